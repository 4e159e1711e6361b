import type { Shape, ThemedColor } from '@/ui/tokens';

/** What is chosen, as the page's address names it. */
export interface Selection {
  kind: 'station' | 'vehicle' | 'connector' | 'zone';
  id: string;
}

export type CameraMode = 'overview' | 'follow' | 'top';

export interface Layers {
  zones: boolean;
  stations: boolean;
  vehicles: boolean;
  flows: boolean;
  /** Load of each site against its grid limit. */
  load: boolean;
  /** What is being done to stations. */
  care: boolean;
  /** OCPP versions. */
  versions: boolean;
  /** Who breaks the protocol, and who is in quarantine. */
  violations: boolean;
  labels: boolean;
}

/** Groups that stations may be told apart by, at most. */
export const GROUPS_MAX = 7;

/** One group of stations: its colour, and the silhouette that says the same without colour. */
export interface GroupLook {
  color: ThemedColor;
  shape: Shape;
}

/** Stations told apart by something else than their state. */
export interface StationGroups {
  /** At most {@link GROUPS_MAX}. */
  looks: readonly GroupLook[];
  /** Place in `looks` of each station; one that is not here is of the last group. */
  of: ReadonlyMap<string, number>;
}

/** What is wrong with how a station keeps to the protocol. */
export type Conduct = 'violations' | 'quarantine';

/** `auto` follows the machine; 0 to 4 holds a level. */
export type Quality = 'auto' | 0 | 1 | 2 | 3 | 4;
