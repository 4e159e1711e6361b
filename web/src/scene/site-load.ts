/** One station's part of what its site takes. */
export interface StationShare {
  id: string;
  powerW: number;
  /** Of the site's load, 0 to 1; 0 while the site takes nothing. */
  ofLoad: number;
  /** Of the site's limit, 0 to 1 and above. */
  ofLimit: number;
}

/** What a site takes from its grid connection, and which station takes how much of it. */
export interface SiteLoad {
  powerW: number;
  limitW: number;
  /** `powerW / limitW`; null where no limit is known. */
  share: number | null;
  stations: StationShare[];
  /** Greatest share over the mean share of the stations that take anything: 1 when all take the same. */
  peakToMean: number | null;
}

/** From here on a site is near its limit. */
export const NEAR_LIMIT = 0.9;

/** How the load of a site is spread. Power that flows back to the grid takes nothing. */
export function siteLoad(stations: readonly { id: string; powerW: number }[], limitW: number): SiteLoad {
  const taken = stations.map(({ id, powerW }) => ({ id, powerW: Math.max(0, powerW) }));
  const powerW = taken.reduce((sum, s) => sum + s.powerW, 0);
  const busy = taken.filter((s) => s.powerW > 0);
  const most = Math.max(0, ...busy.map((s) => s.powerW));
  return {
    powerW,
    limitW,
    share: limitW > 0 ? powerW / limitW : null,
    stations: taken.map((s) => ({
      ...s,
      ofLoad: powerW > 0 ? s.powerW / powerW : 0,
      ofLimit: limitW > 0 ? s.powerW / limitW : 0,
    })),
    peakToMean: busy.length > 0 ? most / (powerW / busy.length) : null,
  };
}
