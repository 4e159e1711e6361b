/** The scene kit: the network and a battery pack in 3D. Load it lazily, it brings three.js. */
export { NetworkScene, NetworkScene as default, type NetworkSceneProps } from './network-scene';
export { PackScene, type PackSceneProps } from './pack-scene';
export type { CellWarning, PackCells, PackMode, PackWhole } from './pack-values';
export type { CameraMode, Layers, Quality, Selection } from './types';
