import { css, tokens, type Theme } from '@/ui/tokens';
import { roundLength, toMetres, toPx, type Size, type View } from '@/swap/view';
import { distance } from '@/ui/format';

/** A station as the map shows it. */
export interface MapStation {
  id: string;
  lat: number;
  lon: number;
  /** Paint of its disc. */
  color: string;
  /** What the colour means in figures; stands below its name. */
  text: string;
  /** How large its surroundings glow, 0 to 1: how many vehicles come. */
  weight: number;
}

export interface PlacedStation extends MapStation {
  x: number;
  z: number;
}

export const DISC_PX = 9;
const GLOW_PX = 34;
const GRID_PX = 110;

export function discPx(weight: number): number {
  return DISC_PX * (0.75 + 0.5 * weight);
}

/** The ground: lines of a round distance, so that a person reads how far it is. */
export function paintGround(ctx: CanvasRenderingContext2D, view: View, size: Size, theme: Theme): void {
  ctx.fillStyle = css(tokens.scene.background[theme]);
  ctx.fillRect(0, 0, size.width, size.height);
  const step = roundLength(view, GRID_PX);
  const [west, north] = toMetres(view, size, 0, 0);
  const [east, south] = toMetres(view, size, size.width, size.height);
  ctx.strokeStyle = css(tokens.scene.grid[theme]);
  ctx.globalAlpha = 0.55;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let x = Math.ceil(west / step) * step; x <= east; x += step) {
    const px = Math.round(toPx(view, size, x, 0)[0]) + 0.5;
    ctx.moveTo(px, 0);
    ctx.lineTo(px, size.height);
  }
  for (let z = Math.ceil(north / step) * step; z <= south; z += step) {
    const py = Math.round(toPx(view, size, 0, z)[1]) + 0.5;
    ctx.moveTo(0, py);
    ctx.lineTo(size.width, py);
  }
  ctx.stroke();
  ctx.globalAlpha = 1;
}

/** A bar of a round length with its figure. */
export function paintScale(ctx: CanvasRenderingContext2D, view: View, size: Size, theme: Theme): void {
  const metres = roundLength(view, 120);
  const px = metres / view.metresPerPx;
  const [x, y] = [14, size.height - 14];
  ctx.strokeStyle = ctx.fillStyle = css(tokens.text.secondary[theme]);
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.moveTo(x, y - 5);
  ctx.lineTo(x, y);
  ctx.lineTo(x + px, y);
  ctx.lineTo(x + px, y - 5);
  ctx.stroke();
  ctx.font = '500 11px "Inter Variable", sans-serif';
  ctx.textAlign = 'left';
  ctx.textBaseline = 'bottom';
  ctx.fillText(distance(metres), x + 6, y - 4);
}

/** Stations with their glow, and the names that fit. */
export function paintStations(
  ctx: CanvasRenderingContext2D,
  stations: readonly PlacedStation[],
  view: View,
  size: Size,
  theme: Theme,
  chosen: string | null,
): void {
  const seen = stations
    .map((station) => ({ station, at: toPx(view, size, station.x, station.z) }))
    .filter(({ at: [px, py] }) => px > -60 && py > -60 && px < size.width + 60 && py < size.height + 60);
  for (const { station, at } of seen) {
    const radius = GLOW_PX * (0.5 + 0.5 * station.weight);
    const glow = ctx.createRadialGradient(at[0], at[1], 0, at[0], at[1], radius);
    glow.addColorStop(0, `${station.color}59`);
    glow.addColorStop(1, `${station.color}00`);
    ctx.fillStyle = glow;
    ctx.fillRect(at[0] - radius, at[1] - radius, 2 * radius, 2 * radius);
  }
  const rim = css(tokens.scene.background[theme]);
  for (const { station, at } of seen) {
    const radius = discPx(station.weight);
    ctx.beginPath();
    ctx.arc(at[0], at[1], radius, 0, 2 * Math.PI);
    ctx.fillStyle = station.color;
    ctx.fill();
    ctx.lineWidth = 2;
    ctx.strokeStyle = rim;
    ctx.stroke();
    if (station.id === chosen) {
      ctx.beginPath();
      ctx.arc(at[0], at[1], radius + 4, 0, 2 * Math.PI);
      ctx.strokeStyle = css(tokens.scene.selection[theme]);
      ctx.stroke();
    }
  }
  paintNames(ctx, seen, theme, chosen);
}

function paintNames(
  ctx: CanvasRenderingContext2D,
  seen: readonly { station: PlacedStation; at: readonly [number, number] }[],
  theme: Theme,
  chosen: string | null,
): void {
  const taken: [number, number, number, number][] = [];
  const order = seen.toSorted(
    (a, b) =>
      Number(b.station.id === chosen) - Number(a.station.id === chosen) ||
      b.station.weight - a.station.weight,
  );
  ctx.textAlign = 'center';
  ctx.textBaseline = 'top';
  ctx.lineJoin = 'round';
  for (const { station, at } of order.slice(0, 400)) {
    const lines = [
      ['560 12px "Inter Variable", sans-serif', css(tokens.text.primary[theme]), station.id],
      ['500 11px "Inter Variable", sans-serif', css(tokens.text.secondary[theme]), station.text],
    ].filter(([, , text]) => text !== '') as [string, string, string][];
    const width = Math.max(
      ...lines.map(([font, , text]) => ((ctx.font = font), ctx.measureText(text).width)),
    );
    const top = at[1] + discPx(station.weight) + 4;
    const box: [number, number, number, number] = [
      at[0] - width / 2 - 4,
      top,
      at[0] + width / 2 + 4,
      top + lines.length * 14,
    ];
    if (taken.some((b) => b[0] < box[2] && box[0] < b[2] && b[1] < box[3] && box[1] < b[3])) continue;
    taken.push(box);
    lines.forEach(([font, color, text], i) => {
      ctx.font = font;
      ctx.lineWidth = 3;
      ctx.strokeStyle = css(tokens.scene.background[theme]);
      ctx.strokeText(text, at[0], top + i * 14);
      ctx.fillStyle = color;
      ctx.fillText(text, at[0], top + i * 14);
    });
  }
}
