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
  labels: boolean;
}

/** `auto` follows the machine; 0 to 4 holds a level. */
export type Quality = 'auto' | 0 | 1 | 2 | 3 | 4;
