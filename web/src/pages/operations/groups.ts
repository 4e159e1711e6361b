import type { ConnectorEfficiency } from '@/api/uptime';
import type { Station } from '@/api/types';
import type { GroupLook, StationGroups } from '@/scene/types';
import { tokens } from '@/ui/tokens';

/** Stations of one kind: how they look in the 3D view, what the legend calls them, and how many there are. */
export interface Group {
  key: string;
  label: string;
  look: GroupLook;
  count: number;
}

export interface Grouping {
  groups: readonly Group[];
  scene: StationGroups;
}

const { s1, s2, s3, s4, s5, s6 } = tokens.series;
const looks: readonly GroupLook[] = [
  { color: s1, shape: 'circle' },
  { color: s2, shape: 'triangle' },
  { color: s3, shape: 'square' },
  { color: s4, shape: 'diamond' },
  { color: s5, shape: 'half' },
];
const others: GroupLook = { color: s6, shape: 'dots' };
const notTold: GroupLook = { color: tokens.status.unknown, shape: 'question' };

const collator = new Intl.Collator('en', { numeric: true });

function build(of: ReadonlyMap<string, string>, kinds: readonly Omit<Group, 'count'>[]): Grouping {
  const at = new Map(kinds.map((kind, i) => [kind.key, i]));
  const counts = kinds.map(() => 0);
  const places = new Map<string, number>();
  for (const [id, key] of of) {
    const place = at.get(key) ?? kinds.length - 1;
    counts[place] = (counts[place] ?? 0) + 1;
    places.set(id, place);
  }
  const groups = kinds.map((kind, i) => ({ ...kind, count: counts[i] ?? 0 }));
  return { groups, scene: { looks: kinds.map((kind) => kind.look), of: places } };
}

/** The commonest words a colour each, the rest together, and those that told none. */
function byWord(words: ReadonlyMap<string, string | null>): Grouping {
  const counts = new Map<string, number>();
  for (const word of words.values()) if (word) counts.set(word, (counts.get(word) ?? 0) + 1);
  const common = [...counts]
    .toSorted(([a, m], [b, n]) => n - m || collator.compare(b, a))
    .slice(0, looks.length)
    .map(([word]) => word)
    // A colour stays with its word while others come and go.
    .toSorted((a, b) => collator.compare(a, b));
  const kinds = common.map((word, i) => ({ key: word, label: word, look: looks[i] as GroupLook }));
  const rest = counts.size > common.length;
  if (rest) kinds.push({ key: '\n', label: `${counts.size - common.length} others`, look: others });
  kinds.push({ key: '', label: 'Not told', look: notTold });
  const of = new Map([...words].map(([id, word]) => [id, word ? (common.includes(word) ? word : '\n') : '']));
  return build(of, kinds);
}

export function byOcpp(stations: readonly Pick<Station, 'id' | 'ocpp_version'>[]): Grouping {
  return byWord(new Map(stations.map((s) => [s.id, s.ocpp_version && `OCPP ${s.ocpp_version}`])));
}

/** By model and firmware: the same number of another make is another software. */
export function byFirmware(
  stations: readonly Pick<Station, 'id' | 'vendor' | 'model' | 'firmware_version'>[],
): Grouping {
  const word = (s: (typeof stations)[number]) =>
    s.firmware_version && [s.model ?? s.vendor, s.firmware_version].filter(Boolean).join(' ');
  return byWord(new Map(stations.map((s) => [s.id, word(s)])));
}

/** Part of the last week in which a transaction held a connector, the mean over the connectors of each station. */
export function utilisation(connectors: readonly ConnectorEfficiency[]): Map<string, number> {
  const sums = new Map<string, { sum: number; n: number }>();
  for (const { station, utilisation: share } of connectors) {
    const of = sums.get(station) ?? { sum: 0, n: 0 };
    sums.set(station, { sum: of.sum + share, n: of.n + 1 });
  }
  return new Map([...sums].map(([station, { sum, n }]) => [station, sum / n]));
}

const steps: readonly { key: string; label: string; from: number; look: GroupLook }[] = [
  {
    key: 'twice',
    label: '2 × the mean and up',
    from: 2,
    look: { color: tokens.use.twice, shape: 'circle' },
  },
  { key: 'above', label: 'Above the mean', from: 1.25, look: { color: tokens.use.above, shape: 'half' } },
  { key: 'about', label: 'About the mean', from: 0.75, look: { color: tokens.use.about, shape: 'bar' } },
  { key: 'below', label: 'Below the mean', from: 0, look: { color: tokens.use.below, shape: 'dots' } },
];

/** By use beside the others, which is what balancing evens out. */
export function byUse(stations: readonly Pick<Station, 'id'>[], used: ReadonlyMap<string, number>): Grouping {
  const mean = [...used.values()].reduce((sum, share) => sum + share, 0) / Math.max(1, used.size);
  const of = (share: number | undefined) =>
    share === undefined
      ? ''
      : share === 0
        ? 'none'
        : (steps.find((step) => share >= step.from * mean)?.key ?? 'below');
  return build(new Map(stations.map((s) => [s.id, of(used.get(s.id))])), [
    ...steps,
    { key: 'none', label: 'Not used', look: { color: tokens.use.none, shape: 'ring' } },
    { key: '', label: 'Not known', look: notTold },
  ]);
}
