import { describe, expect, it } from 'vitest';
import { PerspectiveCamera, Vector3 } from 'three';
import { CameraRig } from './control/camera';
import { fitDistance, layOutPack, neighbour, usualShape } from './pack-layout';
import { alongAxis } from './pack-scene';
import { cellText, median, modesOf, packView, rampOf, RAMP_STEPS, type PackInput } from './pack-values';

const pack = (change: Partial<PackInput> = {}): PackInput => ({
  count: 6,
  cells: { voltage_v: [3.7, 3.7, 3.7, 3.66, 3.7, 3.71], temp_c: [20, 21, 22, 29, NaN, 23], soc: [] },
  whole: { soc: 0.5, soh: 0.9, current_a: -20, capacity_ah: 60 },
  warnings: [],
  ...change,
});

describe('what colours a pack', () => {
  it('offers what something is known for', () => {
    expect(modesOf(pack())).toEqual(['temperature', 'voltage', 'soc', 'balance', 'soh', 'current', 'fault']);
    const nothing = { cells: { voltage_v: [], temp_c: [], soc: [] }, whole: {}, warnings: null };
    expect(modesOf(pack(nothing))).toEqual([]);
  });

  it('names the cells at both ends, and leaves a missing one without a colour', () => {
    const view = packView('temperature', pack());
    expect(view.at[3]).toBe(1);
    expect(view.at[0]).toBe(0);
    expect(view.at[4]).toBe(-1);
    expect(view.note).toBe('Highest 29.0 °C in cell 4, lowest 20.0 °C in cell 1.');
    expect(view.labels.map((l) => l.cell)).toEqual([3, 0]);
  });

  it('measures balance from the middle cell on both sides alike', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
    const view = packView('balance', pack());
    expect(view.ends).toEqual(['−40 mV', '+40 mV']);
    expect(view.at[3]).toBeCloseTo(0);
    expect(view.at[0]).toBeCloseTo(0.5);
  });

  it('says that a value of the pack is not one of a cell', () => {
    const view = packView('soc', pack());
    expect(new Set(view.at)).toEqual(new Set([0.5]));
    expect(view.note).toMatch(/^50\.0 %\. One value of the pack/);
    const current = packView('current', pack());
    expect(current.ends).toEqual(['−60.0 A', '+60.0 A']);
    expect(current.at[0]).toBeCloseTo(1 / 3);
  });

  it('shows the worst warning of a cell, and tells of the pack apart', () => {
    const warnings = [
      { cell: 4, severity: 'minor', label: 'Cells apart' },
      { cell: 4, severity: 'critical', label: 'Soft short' },
      { cell: null, severity: 'major', label: 'Too warm' },
      { cell: 99, severity: 'major', label: 'Nowhere' },
    ];
    const view = packView('fault', pack({ warnings }));
    const ramp = rampOf('severity', 'dark');
    const color = (at: number) => ramp[Math.round(at * (RAMP_STEPS - 1))];
    expect(color(view.at[3] ?? 0)).toBe(ramp.at(-1));
    expect(color(view.at[0] ?? 1)).toBe(ramp[0]);
    expect(view.note).toBe('A warning on cell 4 (soft short). On the pack: too warm.');
    expect(cellText(3, pack({ warnings }))).toEqual([
      'Cell 4 of 6',
      '3.660 V',
      '29.0 °C',
      'Cells apart',
      'Soft short',
    ]);
  });
});

it('walks from cell to cell as they stand, and stops at the edge', () => {
  const layout = layOutPack(24, 12, 'pouch');
  const row = Array.from({ length: 11 }, (_, i) => i).reduce((cell) => neighbour(layout, cell, 1, 0), 0);
  expect(row).toBe(11);
  expect(neighbour(layout, 0, -1, 0)).toBe(0);
  const other = neighbour(layout, 5, 0, 1) === 5 ? neighbour(layout, 11, 1, 0) : neighbour(layout, 5, 0, 1);
  expect(layout.cells[other]?.module).toBe(1);
});

it('takes the shape that cells of a kind mostly have', () => {
  expect(usualShape(96, 5, 'NMC')).toBe('cylindrical');
  expect(usualShape(96, 60, 'NMC')).toBe('pouch');
  expect(usualShape(108, 100, 'LFP')).toBe('prismatic');
  expect(usualShape(4416)).toBe('cylindrical');
  expect(usualShape(6)).toBe('prismatic');
});

it('turns a step on the screen into one of the pack', () => {
  expect(alongAxis([1, 0], 0)).toEqual([1, 0]);
  expect(alongAxis([1, 0], Math.PI / 2)).toEqual([0, 1]);
  expect(alongAxis([0, -1], Math.PI).map((v) => v + 0)).toEqual([0, 1]);
});

it.each([0.5, 1, 3.2])('sees the whole box, and not from too far, in a picture of aspect %f', (aspect) => {
  const size = [14, 1.5, 9] as const;
  const look = { azimuth: -0.55, tilt: 0.92 };
  const camera = new PerspectiveCamera(26, aspect);
  const rig = new CameraRig(camera, () => {});
  Object.assign(rig.pose, look, { x: 0, y: 0, z: 0, distance: fitDistance(size, look, 26, aspect) });
  rig.place();
  const reach = [-1, 1].flatMap((x) =>
    [-1, 1].flatMap((y) =>
      [-1, 1].map((z) => {
        const p = new Vector3((x * size[0]) / 2, (y * size[1]) / 2, (z * size[2]) / 2).project(camera);
        return Math.max(Math.abs(p.x), Math.abs(p.y));
      }),
    ),
  );
  expect(Math.max(...reach)).toBeCloseTo(0.9, 6);
});
