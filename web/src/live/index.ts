/**
 * The live network on this page: a worker owns the WebSocket, checks and unpacks frames, and hands pooled buffers to
 * column stores; React reads them through hooks at most four times a second, the 3D scene through the stores.
 */
export { live, liveUrl, type LiveEvents, type LiveEventType, type FocusValue } from './client';
export {
  onLiveEvent,
  useConnectorCounts,
  useConnectorsLive,
  useFocus,
  useFollowed,
  useKpi,
  useLinkState,
  useLiveEvent,
  useStationLive,
  useTableRows,
  useVehicleLive,
} from './hooks';
export type { Link, LinkState, View } from './messages';
export type { ConnectorLive, LiveRows, StationLive, VehicleLive } from './rows';
