import { describe, expect, it } from 'vitest';
import { contrast } from './contrast';
import {
  severityKey,
  severityShape,
  statusKey,
  statusShape,
  tokens,
  tokensToCss,
  type StatusKey,
  type Theme,
} from './tokens';

const themes: Theme[] = ['dark', 'light'];
const surfaces = ['canvas', 'base', 'raised', 'overlay', 'hover', 'sunken'] as const;

describe('contrast', () => {
  it('knows the two ends of the scale', () => {
    expect(contrast(0x000000, 0xffffff)).toBeCloseTo(21, 5);
    expect(contrast(0x777777, 0x777777)).toBe(1);
    expect(contrast(0x767676, 0xffffff)).toBeGreaterThanOrEqual(4.5);
  });

  for (const theme of themes) {
    describe(theme, () => {
      it.each(surfaces)('text reads on %s', (name) => {
        const bg = tokens.surface[name][theme];
        for (const fg of ['primary', 'secondary', 'tertiary'] as const) {
          expect(contrast(tokens.text[fg][theme], bg), fg).toBeGreaterThanOrEqual(4.5);
        }
        expect(contrast(tokens.accent.default[theme], bg), 'accent').toBeGreaterThanOrEqual(4.5);
      });

      it.each(surfaces)('controls and state glyphs are found on %s', (name) => {
        const bg = tokens.surface[name][theme];
        expect(contrast(tokens.border.control[theme], bg), 'control').toBeGreaterThanOrEqual(3);
        for (const [key, color] of Object.entries({ ...tokens.status, ...tokens.severity })) {
          expect(contrast(color[theme], bg), key).toBeGreaterThanOrEqual(3);
        }
      });

      it('severity and outcome words read on raised surfaces', () => {
        const bg = tokens.surface.raised[theme];
        for (const key of ['critical', 'major', 'minor', 'info'] as const) {
          expect(contrast(tokens.severity[key][theme], bg), key).toBeGreaterThanOrEqual(4.5);
        }
        for (const group of [tokens.danger, tokens.positive, tokens.warning]) {
          expect(contrast(group.text[theme], group.soft[theme])).toBeGreaterThanOrEqual(4.5);
          expect(contrast(group.text[theme], bg)).toBeGreaterThanOrEqual(4.5);
        }
      });

      it('buttons and selected rows carry their text', () => {
        expect(contrast(tokens.danger.on[theme], tokens.danger.solid[theme])).toBeGreaterThanOrEqual(4.5);
        expect(contrast(tokens.text.primary[theme], tokens.accent.soft[theme])).toBeGreaterThanOrEqual(4.5);
        expect(contrast(tokens.text.secondary[theme], tokens.accent.soft[theme])).toBeGreaterThanOrEqual(4.5);
        expect(contrast(tokens.accent.on[theme], tokens.accent.solid[theme])).toBeGreaterThanOrEqual(4.5);
        expect(contrast(tokens.accent.on[theme], tokens.accent.solidHover[theme])).toBeGreaterThanOrEqual(
          4.5,
        );
      });

      it('the city is found on its ground, and its roads on both', () => {
        const { ground, zone, road, structure } = tokens.scene;
        expect(contrast(structure[theme], ground[theme]), 'structure').toBeGreaterThanOrEqual(2);
        expect(contrast(road[theme], ground[theme]), 'road').toBeGreaterThanOrEqual(1.5);
        expect(contrast(road[theme], zone[theme]), 'road in a zone').toBeGreaterThanOrEqual(1.25);
      });

      it('steps of use are found on every surface, each louder than the one before', () => {
        const steps = Object.values(tokens.use).map((color) => color[theme]);
        for (const [i, step] of steps.entries()) {
          for (const name of surfaces)
            expect(contrast(step, tokens.surface[name][theme]), `${i} on ${name}`).toBeGreaterThanOrEqual(3);
          const before = steps[i - 1];
          if (i > 1 && before !== undefined) expect(contrast(step, before)).toBeGreaterThan(1.3);
        }
      });

      it('chart lines are found on their panel', () => {
        for (const key of ['s1', 's2', 's3', 's4', 's5', 's6', 'axis'] as const) {
          expect(
            contrast(tokens.series[key][theme], tokens.surface.raised[theme]),
            key,
          ).toBeGreaterThanOrEqual(3);
        }
      });
    });
  }
});

/** Linear RGB as a dichromat sees it (Machado, Oliveira and Fernandes 2009, severity 1.0). */
const dichromat = {
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  none: [1, 0, 0, 0, 1, 0, 0, 0, 1],
} as const;

function lab(color: number, vision: keyof typeof dichromat): [number, number, number] {
  const rgb = [16, 8, 0].map((shift) => {
    const v = ((color >> shift) & 0xff) / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  const m = dichromat[vision];
  const at = (row: number) =>
    Math.min(
      1,
      Math.max(
        0,
        [0, 1, 2].reduce((sum, i) => sum + (m[row * 3 + i] ?? 0) * (rgb[i] ?? 0), 0),
      ),
    );
  const [r, g, b] = [at(0), at(1), at(2)];
  const f = (t: number) => (t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function distance(a: number, b: number, vision: keyof typeof dichromat): number {
  const [p, q] = [lab(a, vision), lab(b, vision)];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

describe('colour vision', () => {
  const core: StatusKey[] = ['available', 'charging', 'occupied', 'faulted', 'offline', 'queuing'];
  for (const theme of themes) {
    for (const vision of ['none', 'protan', 'deutan'] as const) {
      it(`keeps the statuses that share a picture apart: ${theme}, ${vision}`, () => {
        for (const [i, a] of core.entries()) {
          for (const b of core.slice(i + 1)) {
            const d = distance(tokens.status[a][theme], tokens.status[b][theme], vision);
            expect(d, `${a}/${b}`).toBeGreaterThan(11);
          }
        }
      });
    }
  }

  it('never leaves meaning to colour alone', () => {
    const loud: StatusKey[] = [...core, 'suspended', 'reserved', 'unavailable', 'driving', 'parked'];
    expect(new Set(loud.map((key) => statusShape[key])).size).toBe(loud.length);
    expect(new Set(Object.values(severityShape)).size).toBe(5);
  });
});

describe('words', () => {
  it('maps every status of the protocol and the stream', () => {
    expect(statusKey('SuspendedEVSE')).toBe('suspended');
    expect(statusKey('PluggedIn')).toBe('occupied');
    expect(statusKey('Available')).toBe('available');
    expect(statusKey('never-heard-of')).toBe('unknown');
    expect(statusKey(null)).toBe('unknown');
    expect(severityKey('major')).toBe('major');
    expect(severityKey(null)).toBe('none');
  });

  it('writes the style sheet', async () => {
    await expect(tokensToCss()).toMatchFileSnapshot('./tokens.css');
  });
});
