/** What of the operations page lives in its address, so that a link shows a colleague the same picture. */

export const cameraModes = ['overview', 'follow', 'top'] as const;
export type CameraMode = (typeof cameraModes)[number];

export const layerNames = [
  'zones',
  'stations',
  'vehicles',
  'flows',
  'load',
  'care',
  'versions',
  'violations',
  'labels',
] as const;
export type LayerName = (typeof layerNames)[number];
export type Layers = Record<LayerName, boolean>;

/** What the colour and the silhouette of a station tell; its state on the plain address. */
export const colorModes = ['status', 'ocpp', 'firmware', 'use'] as const;
export type ColorMode = (typeof colorModes)[number];

export type SelectionKind = 'station' | 'vehicle' | 'connector' | 'zone';
export interface Selection {
  kind: SelectionKind;
  id: string;
}

export interface OperationsSearch {
  /** `station:CP-1` and so on. */
  sel?: string | undefined;
  view?: 'table' | undefined;
  cam?: CameraMode | undefined;
  color?: ColorMode | undefined;
  /** Layers that are off, separated by commas: the plain address shows everything. */
  hide?: string | undefined;
  /** For measuring and for pictures, read by the scene itself. */
  freeze?: string | number | undefined;
  seed?: string | number | undefined;
  bench?: string | number | undefined;
  hud?: string | number | undefined;
}

const kinds: readonly SelectionKind[] = ['station', 'vehicle', 'connector', 'zone'];

export function parseSelection(text: string | undefined): Selection | null {
  if (!text) return null;
  const at = text.indexOf(':');
  const kind = kinds.find((k) => k === text.slice(0, at));
  const id = text.slice(at + 1);
  return kind && id ? { kind, id } : null;
}

export function formatSelection(selection: Selection | null): string | undefined {
  return selection ? `${selection.kind}:${selection.id}` : undefined;
}

export function parseLayers(hide: string | undefined): Layers {
  const off = new Set((hide ?? '').split(','));
  return Object.fromEntries(layerNames.map((name) => [name, !off.has(name)])) as Layers;
}

export function formatLayers(layers: Layers): string | undefined {
  const off = layerNames.filter((name) => !layers[name]);
  return off.length > 0 ? off.join(',') : undefined;
}

/** Reads the address; whatever it does not know is dropped and never an error. */
export function readOperationsSearch(search: Record<string, unknown>): OperationsSearch {
  const text = (key: string) => (typeof search[key] === 'string' ? search[key] : undefined);
  const plain = (key: string) =>
    typeof search[key] === 'string' || typeof search[key] === 'number' ? search[key] : undefined;
  const cam = cameraModes.find((mode) => mode === search.cam);
  const color = colorModes.find((mode) => mode === search.color);
  return {
    sel: formatSelection(parseSelection(text('sel'))),
    view: search.view === 'table' ? 'table' : undefined,
    cam: cam === 'overview' ? undefined : cam,
    color: color === 'status' ? undefined : color,
    hide: formatLayers(parseLayers(text('hide'))),
    freeze: plain('freeze'),
    seed: plain('seed'),
    bench: plain('bench'),
    hud: plain('hud'),
  };
}

export interface ListSearch {
  q?: string | undefined;
  status?: string | undefined;
  sort?: string | undefined;
}

/** A value of the address as text: the router has made numbers of those that look so. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) || undefined : undefined;
}

export function readListSearch(search: Record<string, unknown>): ListSearch {
  return { q: textOf(search.q), status: textOf(search.status), sort: textOf(search.sort) };
}

/** A list of batteries by what is wrong with them. */
export interface BatterySearch extends ListSearch {
  chemistry?: string | undefined;
  warning?: string | undefined;
}

export function readBatterySearch(search: Record<string, unknown>): BatterySearch {
  return { ...readListSearch(search), chemistry: textOf(search.chemistry), warning: textOf(search.warning) };
}

/** Two batteries side by side; the packs that are asked about, `A,B`. */
export function readCompareSearch(search: Record<string, unknown>): { a: string; b: string } {
  return { a: textOf(search.a) ?? '', b: textOf(search.b) ?? '' };
}

export function readWhatIfSearch(search: Record<string, unknown>): { ids: string } {
  return { ids: textOf(search.ids) ?? '' };
}

/** A list of id tokens, and the one that is open over it: a token may hold what no path can. */
export interface TokenSearch extends ListSearch {
  parent?: string | undefined;
  open?: string | undefined;
}

export function readTokenSearch(search: Record<string, unknown>): TokenSearch {
  return { ...readListSearch(search), parent: textOf(search.parent), open: textOf(search.open) };
}

/** `power` is ascending, `-power` descending. */
export function parseSort(text: string | undefined): { key: string; dir: 'asc' | 'desc' } | undefined {
  if (!text) return undefined;
  return text.startsWith('-') ? { key: text.slice(1), dir: 'desc' } : { key: text, dir: 'asc' };
}

export function formatSort(sort: { key: string; dir: 'asc' | 'desc' }): string {
  return sort.dir === 'desc' ? `-${sort.key}` : sort.key;
}

/** What is looked for in the message log. */
export interface MessageSearch {
  station?: string | undefined;
  action?: string | undefined;
  kind?: string | undefined;
  dir?: 'in' | 'out' | undefined;
  outcome?: string | undefined;
  /** Text anywhere in the frame. */
  q?: string | undefined;
  /** Message id. */
  id?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  /** Number of the message that is open. */
  open?: number | undefined;
}

const messageKeys = ['station', 'action', 'kind', 'outcome', 'q', 'id', 'from', 'to'] as const;

export function readMessageSearch(search: Record<string, unknown>): MessageSearch {
  const out: MessageSearch = {};
  for (const key of messageKeys) {
    const value = search[key];
    if (typeof value === 'string' || typeof value === 'number') out[key] = String(value) || undefined;
  }
  const open = Number(search.open);
  if (search.open !== undefined && Number.isInteger(open)) out.open = open;
  if (search.dir === 'in' || search.dir === 'out') out.dir = search.dir;
  return out;
}

/** The graph: which twins, as what, and which one is chosen. */
export interface GraphSearch {
  q?: string | undefined;
  model?: string | undefined;
  twin?: string | undefined;
  view?: 'graph' | 'list' | undefined;
}

export function readGraphSearch(search: Record<string, unknown>): GraphSearch {
  return {
    q: textOf(search.q),
    model: textOf(search.model),
    twin: textOf(search.twin),
    view: search.view === 'graph' || search.view === 'list' ? search.view : undefined,
  };
}

export function readModelSearch(search: Record<string, unknown>): {
  q?: string | undefined;
  id?: string | undefined;
} {
  return { q: textOf(search.q), id: textOf(search.id) };
}

/** A query that a link carries. */
export function readQuerySearch(search: Record<string, unknown>): { text?: string | undefined } {
  return { text: textOf(search.text) };
}
