/**
 * The one table of colours that the interface, the charts and the 3D scene share.
 *
 * Surfaces are neutral and colour means state: a calm network is nearly grey, and what is abnormal stands out. The
 * status hues keep their order of lightness under protanopia and deuteranopia, and none is ever shown without its
 * shape (see `statusShape`, `severityShape`) and its word. `tokens.css` is written from this table by the unit
 * test beside it, so that the two cannot part.
 */

/** A colour scheme. */
export type Theme = 'dark' | 'light';

/** One colour per scheme as 0xRRGGBB, ready for three.js; `css()` turns it into text. */
export type ThemedColor = Readonly<Record<Theme, number>>;

const c = (dark: number, light: number): ThemedColor => ({ dark, light });

/** Neutral surfaces, from the page upwards. */
const surface = {
  canvas: c(0x0c0e12, 0xf1f3f6),
  base: c(0x111419, 0xf8f9fb),
  raised: c(0x161a20, 0xffffff),
  overlay: c(0x1c2129, 0xffffff),
  sunken: c(0x0a0c0f, 0xe9ecf1),
  hover: c(0x1f252e, 0xeef1f5),
  active: c(0x273040, 0xe1e7f0),
} as const;

const border = {
  subtle: c(0x20262f, 0xe4e8ee),
  default: c(0x2b323d, 0xd5dbe4),
  strong: c(0x3d4655, 0xb4bdca),
  /** Edge of a control that must be found by sight alone: at least 3:1 on every surface. */
  control: c(0x6b7688, 0x7c8799),
} as const;

const text = {
  primary: c(0xe8ecf2, 0x151a21),
  secondary: c(0xa9b3c1, 0x4a5565),
  tertiary: c(0x8d98a8, 0x5c6878),
  inverse: c(0x0c0e12, 0xffffff),
} as const;

const accent = {
  /** Links, focus rings, the selected thing. */
  default: c(0x6cb0ff, 0x0b5fc4),
  /** Primary buttons: carries `accent.on`. */
  solid: c(0x2672d0, 0x0b5fc4),
  solidHover: c(0x1f66be, 0x0a529f),
  on: c(0xffffff, 0xffffff),
  /** Quiet fill behind a selected row. */
  soft: c(0x16263a, 0xe3eefc),
} as const;

const danger = {
  solid: c(0xc93a2b, 0xb8291b),
  solidHover: c(0xb53123, 0x9f2015),
  on: c(0xffffff, 0xffffff),
  text: c(0xff8a73, 0xb3261a),
  soft: c(0x331a17, 0xfdebe8),
} as const;

const positive = { text: c(0x62c7b0, 0x0b6e5b), soft: c(0x122a27, 0xe2f4f0) } as const;
const warning = { text: c(0xf0bf57, 0x805400), soft: c(0x2e2614, 0xfdf3dc) } as const;

/** What a station, connector or vehicle is doing, by meaning and not by protocol. */
const status = {
  available: c(0x5fb8a5, 0x008a66),
  preparing: c(0x93cdf5, 0x3d7cab),
  charging: c(0x4b9fff, 0x075bc2),
  suspended: c(0xd8b860, 0x8c6400),
  finishing: c(0x8fb0dc, 0x4c6a99),
  occupied: c(0xccbcf8, 0xa06bd6),
  reserved: c(0xd394d8, 0x96409c),
  unavailable: c(0x98a0ab, 0x666f7c),
  faulted: c(0xff6f4f, 0xb3260a),
  offline: c(0x78828f, 0x737b89),
  pending: c(0xc5b58f, 0x7a6a3d),
  driving: c(0xc9d4e2, 0x44546a),
  queuing: c(0xf0bf57, 0xa37200),
  parked: c(0x8794a6, 0x6a7688),
  unknown: c(0x747e8b, 0x757f8c),
} as const;

/** How bad an alarm is. `none` is the calm state. */
const severity = {
  critical: c(0xff5f52, 0xc21f1a),
  major: c(0xff9e4a, 0xa85200),
  minor: c(0xf2d068, 0x806200),
  info: c(0x86b8e8, 0x2f6ba8),
  none: c(0x747e8b, 0x757f8c),
} as const;

/** Series of a chart: hues apart for every common colour vision. */
const series = {
  s1: c(0x4b9fff, 0x0b63ce),
  s2: c(0xf0bf57, 0x9a6700),
  s3: c(0x5fb8a5, 0x14806c),
  s4: c(0xd394d8, 0x96409c),
  s5: c(0xff8f6b, 0xb8481d),
  s6: c(0xa9b3c1, 0x4a5565),
  grid: c(0x222831, 0xe4e8ee),
  axis: c(0x8d98a8, 0x5c6878),
} as const;

/** How much a station is used beside the others: one hue, from quiet to loud in both schemes. */
const use = {
  none: c(0x747e8b, 0x757f8c),
  below: c(0x5c8fc9, 0x4c86c2),
  about: c(0x7fbaff, 0x1f68b8),
  above: c(0xb9dcff, 0x0c4a8c),
  twice: c(0xf4f9ff, 0x062a52),
} as const;

/** Materials of the 3D scene: the ground and everything that carries no state. */
const scene = {
  background: c(0x0c0e12, 0xe8ecf1),
  fog: c(0x0c0e12, 0xe8ecf1),
  ground: c(0x1a2029, 0xd8dee6),
  grid: c(0x2b3441, 0xc3ccd8),
  zone: c(0x2a3340, 0xc8d1dd),
  zoneEdge: c(0x5a677a, 0x8794a7),
  road: c(0x3a4453, 0xa8b3c2),
  structure: c(0x566274, 0x8b97a8),
  structureLight: c(0x6c7a8f, 0xb9c2ce),
  label: c(0xe8ecf2, 0x151a21),
  selection: c(0xffffff, 0x0b5fc4),
  flow: c(0x6cb0ff, 0x0b63ce),
  flowBack: c(0xf0bf57, 0x9a6700),
} as const;

/** Every colour by name. `tokens.status.charging.dark` is a number for three.js. */
export const tokens = {
  surface,
  border,
  text,
  accent,
  danger,
  positive,
  warning,
  status,
  severity,
  series,
  use,
  scene,
} as const;

export type StatusKey = keyof typeof status;
export type SeverityKey = keyof typeof severity;

/** The silhouettes that stand beside a colour; `ui/glyph.tsx` draws them and the scene uses them as markers. */
export type Shape =
  | 'circle'
  | 'ring'
  | 'bolt'
  | 'pause'
  | 'square'
  | 'half'
  | 'flag'
  | 'slash'
  | 'diamond'
  | 'triangle'
  | 'octagon'
  | 'cross'
  | 'dots'
  | 'arrow'
  | 'bar'
  | 'question';

export const statusShape: Readonly<Record<StatusKey, Shape>> = {
  available: 'ring',
  preparing: 'dots',
  charging: 'bolt',
  suspended: 'pause',
  finishing: 'half',
  occupied: 'square',
  reserved: 'flag',
  unavailable: 'slash',
  faulted: 'diamond',
  offline: 'cross',
  pending: 'dots',
  driving: 'arrow',
  queuing: 'bar',
  parked: 'circle',
  unknown: 'question',
};

export const severityShape: Readonly<Record<SeverityKey, Shape>> = {
  critical: 'octagon',
  major: 'triangle',
  minor: 'square',
  info: 'circle',
  none: 'ring',
};

const byProtocol: Readonly<Record<string, StatusKey>> = {
  available: 'available',
  preparing: 'preparing',
  charging: 'charging',
  discharging: 'charging',
  suspendedevse: 'suspended',
  suspendedev: 'suspended',
  finishing: 'finishing',
  occupied: 'occupied',
  pluggedin: 'occupied',
  reserved: 'reserved',
  unavailable: 'unavailable',
  faulted: 'faulted',
  offline: 'offline',
  pending: 'pending',
  driving: 'driving',
  queuing: 'queuing',
  parked: 'parked',
};

/** The meaning of a status word of the API or the stream, whatever its case; `unknown` for one never seen. */
export function statusKey(word: string | null | undefined): StatusKey {
  return byProtocol[(word ?? '').toLowerCase()] ?? 'unknown';
}

/** Severity by name, `none` for null and for a word never seen. */
export function severityKey(word: string | null | undefined): SeverityKey {
  return word != null && word in severity ? (word as SeverityKey) : 'none';
}

/** `#rrggbb` of a colour. */
export function css(color: number): string {
  return `#${color.toString(16).padStart(6, '0')}`;
}

/** `surfaceRaised` in `tokens.surface` becomes `--surface-raised`. */
function cssName(group: string, name: string): string {
  const kebab = name.replace(/[A-Z]/g, (l) => `-${l.toLowerCase()}`);
  return `--${group}-${kebab}`;
}

/** The text of `tokens.css`. */
export function tokensToCss(): string {
  const block = (theme: Theme) =>
    Object.entries(tokens)
      .flatMap(([group, colors]) =>
        Object.entries(colors).map(([name, color]) => `  ${cssName(group, name)}: ${css(color[theme])};`),
      )
      .join('\n');
  return [
    '/* Written from tokens.ts by tokens.test.ts; change the table there. */',
    `:root,\n[data-theme='dark'] {\n  color-scheme: dark;\n${block('dark')}\n}`,
    `[data-theme='light'] {\n  color-scheme: light;\n${block('light')}\n}`,
    '',
  ].join('\n\n');
}
