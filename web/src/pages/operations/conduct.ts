import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { recentBreachesQuery, rulesQuery, type Filed, type Policy, type ValidationRules } from '@/api/desk';
import { alarmsQuery, stationsQuery } from '@/api/queries';
import type { Alarm, Station } from '@/api/types';
import { useList } from '@/api/use-list';
import type { Conduct } from '@/scene/types';
import { instant, plural } from '@/ui/format';
import { bindingRule } from '../violations/makes';

/** A station that has kept to the protocol for this long keeps to it; its alarm ends likewise. */
const HOUR_MS = 3_600_000;
const ALARM = 'ProtocolViolations';

/** How one station keeps to the protocol just now. */
export interface StationConduct {
  quarantine: boolean;
  /** Breaches within the last hour. */
  breaches: number;
  /** More than these happened: only the newest are counted. */
  atLeast: boolean;
}

/** How strictly a station is held: by its own rule, that of its make, or by default. */
export function policyOf(
  rules: ValidationRules,
  station: Pick<Station, 'id' | 'vendor' | 'model' | 'firmware_version'>,
): Policy {
  const own = rules.stations.find((r) => r.station === station.id);
  if (own) return own.policy;
  const make = {
    vendor: station.vendor ?? '',
    model: station.model ?? '',
    firmware_version: station.firmware_version ?? '',
  };
  return bindingRule(rules.items, make)?.policy ?? rules.default;
}

/** Stations that are in quarantine, or broke the protocol within the last hour before `now`. */
export function conductOf(
  filed: { items: readonly Filed[]; next: string | null } | undefined,
  alarms: readonly Pick<Alarm, 'code' | 'station' | 'cleared_at'>[],
  stations: readonly Station[],
  rules: ValidationRules | undefined,
  now: number,
): Map<string, StationConduct> {
  const all = new Map<string, StationConduct>();
  const of = (id: string) => {
    const found = all.get(id) ?? { quarantine: false, breaches: 0, atLeast: false };
    all.set(id, found);
    return found;
  };
  const recent = filed?.items.filter((f) => now - (instant(f.at) ?? 0) <= HOUR_MS) ?? [];
  const cut = filed !== undefined && filed.next !== null && recent.length === filed.items.length;
  for (const { station, detail } of recent) {
    // What a station in quarantine said without effect is no breach.
    if (detail.code === 'Quarantined') continue;
    const conduct = of(station);
    conduct.breaches += detail.code === 'NotFiled' ? (detail.count ?? 0) : 1;
    conduct.atLeast = cut;
  }
  for (const alarm of alarms) {
    if (alarm.code !== ALARM || alarm.station == null || alarm.cleared_at !== null) continue;
    const conduct = of(alarm.station);
    // The alarm holds although the newest breaches are all of others.
    if (conduct.breaches === 0) Object.assign(conduct, { breaches: 1, atLeast: true });
  }
  if (rules)
    for (const station of stations)
      if (policyOf(rules, station) === 'quarantine') of(station.id).quarantine = true;
  return all;
}

/** In words, the graver first; null for one that keeps to the protocol. */
export function conductWords(conduct: StationConduct | undefined): string | null {
  if (!conduct) return null;
  const { quarantine, breaches, atLeast } = conduct;
  const said = breaches > 0 ? `${atLeast ? 'At least ' : ''}${plural(breaches, 'breach')}` : '';
  return [quarantine ? 'Quarantine' : '', said].filter(Boolean).join(' · ') || null;
}

/** The one word that stands beside a station in the 3D view. */
export function conductTag(conduct: StationConduct): Conduct {
  return conduct.quarantine ? 'quarantine' : 'violations';
}

/** How every station keeps to the protocol, of those that do not. */
export function useConduct(): ReadonlyMap<string, StationConduct> {
  const filed = useQuery(recentBreachesQuery);
  const rules = useQuery(rulesQuery);
  const stations = useList(stationsQuery).rows;
  const alarms = useList(alarmsQuery('open')).rows;
  const now = filed.dataUpdatedAt;
  return useMemo(
    () => conductOf(filed.data, alarms ?? [], stations ?? [], rules.data, now),
    [filed.data, alarms, stations, rules.data, now],
  );
}
