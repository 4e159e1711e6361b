/** The scene kit: the network and a battery pack in 3D. Load it lazily, it brings three.js. */
export { NetworkScene, NetworkScene as default, type NetworkSceneProps } from './network-scene';
export { PackScene, type PackCells, type PackSceneProps } from './pack-scene';
export type { CameraMode, Layers, Quality, Selection } from './types';
