import { Vector3 } from 'three';
import { siteScale, storeyBase } from '../control/pick';
import type { QualityLevel } from '../control/quality';
import type { SceneContext, SceneModule } from '../kit/context';

interface Label {
  text: string;
  kind: 'zone' | 'site' | 'station';
  id: string;
  at: Vector3;
  /** Larger wins when two labels would overlap. */
  weight: number;
  width: number;
  x: number;
  y: number;
  shown: boolean;
}

/** Width of a letter by kind, as `scene.css` sets them: zones are spaced capitals. */
const CHAR_PX = { zone: 9.8, site: 6.9, station: 6.5 } as const;
const EDGE_PX = 4;
const ROW_PX = 18;
const PICK_EVERY_S = 0.2;

/** Names as HTML, the most important ones that do not overlap. Nodes are pooled; a still camera costs nothing. */
export class Labels implements SceneModule {
  private ctx: SceneContext | null = null;
  private readonly layer: HTMLElement;
  private labels: Label[] = [];
  private nodes: HTMLElement[] = [];
  private limit = 50;
  private visible = true;
  private loads = true;
  /** A text has changed since the labels were written. */
  private stale = false;
  private chosen: string | null = null;
  private lastView = new Float64Array(8);
  private lastPick = -1;
  private readonly v = new Vector3();

  constructor(layer: HTMLElement) {
    this.layer = layer;
  }

  attach(ctx: SceneContext): void {
    this.ctx = ctx;
    const make = (kind: Label['kind'], id: string, text: string, weight: number): Label => ({
      kind,
      id,
      text,
      weight,
      at: new Vector3(),
      width: widthOf(kind, text),
      x: 0,
      y: 0,
      shown: false,
    });
    this.labels = [
      ...ctx.layout.zones.map((zone) => make('zone', zone.id, zone.name, 3)),
      ...ctx.layout.sites.map((site) => make('site', site.id, site.name, site.hub ? 2.6 : 2)),
      ...ctx.layout.stations.map((station) => make('station', station.id, station.name, 1)),
    ];
  }

  setQuality(level: QualityLevel): void {
    this.limit = level.labels;
    this.lastPick = -1;
  }

  setVisible(visible: boolean): void {
    this.visible = visible;
    this.layer.hidden = !visible;
    this.lastPick = -1;
  }

  choose(id: string | null): void {
    this.chosen = id;
    this.lastPick = -1;
  }

  /** Whether names of sites say how much of their limit is taken. */
  setLoads(on: boolean): void {
    this.loads = on;
    this.onSnapshot();
    this.lastPick = -1;
  }

  onSnapshot(): void {
    const ctx = this.ctx;
    if (!ctx) return;
    const { sites, stations, zones } = ctx.layout;
    const store = ctx.live.stores.station;
    const load = new Float64Array(sites.length);
    if (this.loads)
      for (const station of stations) {
        const row = store.rowOf(station.id);
        const power = row < 0 ? 0 : Math.max(0, store.columns.power_w[row] as number);
        load[station.site] = (load[station.site] as number) + power;
      }
    sites.forEach((site, i) => {
      const label = this.labels[zones.length + i];
      if (!label) return;
      const share = Math.round(((load[i] as number) / site.limitW) * 100);
      const text = this.loads && site.limitW > 0 ? `${site.name} · ${share} %` : site.name;
      if (text === label.text) return;
      label.text = text;
      label.width = widthOf('site', text);
      // Its place stays; only what is written there changes.
      this.stale = true;
    });
  }

  onFrame(now: number): boolean {
    const ctx = this.ctx;
    if (!ctx || !this.visible) return false;
    if (!this.viewChanged(ctx)) {
      if (this.stale) this.write();
      return false;
    }
    const due = this.lastPick < 0 || Math.abs(now - this.lastPick) > PICK_EVERY_S;
    this.project(ctx);
    if (due) {
      this.choosePlaces();
      this.lastPick = now;
    }
    this.write();
    // One more look once the camera rests, so that the choice is that of the resting view.
    if (!due) this.lastView[0] = Number.NaN;
    return !due;
  }

  bytes(): number {
    return 0;
  }

  dispose(): void {
    this.layer.replaceChildren();
    this.nodes = [];
  }

  private viewChanged(ctx: SceneContext): boolean {
    const c = ctx.camera;
    const u = ctx.uniforms;
    const p = c.position;
    const q = c.quaternion;
    const last = this.lastView;
    const changed =
      this.lastPick < 0 ||
      last[0] !== p.x ||
      last[1] !== p.y ||
      last[2] !== p.z ||
      last[3] !== q.x ||
      last[4] !== q.y ||
      last[5] !== c.aspect ||
      last[6] !== u.uExplode.value ||
      last[7] !== u.uStorey.value;
    last[0] = p.x;
    last[1] = p.y;
    last[2] = p.z;
    last[3] = q.x;
    last[4] = q.y;
    last[5] = c.aspect;
    last[6] = u.uExplode.value;
    last[7] = u.uStorey.value;
    return changed;
  }

  private project(ctx: SceneContext): void {
    const w = this.layer.clientWidth;
    const h = this.layer.clientHeight;
    const { zones, sites, stations } = ctx.layout;
    for (let i = 0; i < this.labels.length; i++) {
      const label = this.labels[i] as Label;
      let hidden = false;
      if (i < zones.length) {
        const centre = zones[i]?.label ?? [0, 0];
        label.at.set(centre[0], 0, centre[1]);
      } else if (i < zones.length + sites.length) {
        const site = sites[i - zones.length];
        if (!site) continue;
        const s = siteScale(ctx, site.x, site.z);
        // Below the gauge of its load.
        label.at.set(site.x, 0.2 * s, site.z + (site.depth / 2 + 3.4) * s);
      } else {
        const station = stations[i - zones.length - sites.length];
        const site = station && sites[station.site];
        if (!station || !site) continue;
        const s = siteScale(ctx, site.x, site.z);
        // Station names only where stations are apart on the screen, and of a closed hub only on the storey in sight.
        hidden = (s > 2.2 && label.id !== this.chosen) || !storeyInSight(ctx, site, station.level);
        const y = (storeyBase(ctx, station.level) + (station.cabinet ? 2.4 : 1.75)) * s;
        label.at.set(site.x + station.x * s, y, site.z + station.z * s);
      }
      this.v.copy(label.at).project(ctx.camera);
      label.x = (this.v.x * 0.5 + 0.5) * w;
      label.y = (0.5 - this.v.y * 0.5) * h + (label.kind === 'station' ? -40 : 0);
      const off = this.v.z > 1 || label.x < 0 || label.x > w || label.y < 8 || label.y > h - 8;
      // What stands in the picture is named in the picture: a name is moved in, not cut off.
      const half = label.width / 2 + EDGE_PX;
      label.x = Math.max(half, Math.min(w - half, label.x));
      if (off || hidden) label.y = Number.NaN;
    }
  }

  private choosePlaces(): void {
    const order = this.labels
      .filter((label) => !Number.isNaN(label.y))
      .sort((a, b) => Number(b.id === this.chosen) - Number(a.id === this.chosen) || b.weight - a.weight);
    for (const label of this.labels) label.shown = false;
    const taken: Label[] = [];
    for (const label of order) {
      if (taken.length >= this.limit) break;
      const free = taken.every(
        (t) => Math.abs(t.x - label.x) > (t.width + label.width) / 2 || Math.abs(t.y - label.y) > ROW_PX,
      );
      if (free) {
        label.shown = true;
        taken.push(label);
      }
    }
  }

  private write(): void {
    this.stale = false;
    let used = 0;
    for (const label of this.labels) {
      if (!label.shown || Number.isNaN(label.y)) continue;
      let node = this.nodes[used];
      if (!node) {
        node = document.createElement('span');
        this.nodes.push(node);
        this.layer.append(node);
      }
      if (node.textContent !== label.text) node.textContent = label.text;
      const name = `scene-label scene-label-${label.kind}`;
      if (node.className !== name) node.className = name;
      node.style.transform = `translate(-50%, -50%) translate(${label.x.toFixed(1)}px, ${label.y.toFixed(1)}px)`;
      if (node.hidden) node.hidden = false;
      used += 1;
    }
    for (let i = used; i < this.nodes.length; i++) {
      const node = this.nodes[i];
      if (node && !node.hidden) node.hidden = true;
    }
  }
}

function widthOf(kind: Label['kind'], text: string): number {
  return text.length * CHAR_PX[kind] + 16;
}

/** Slabs hide what stands below: of a hub that is closed only the highest storey shown is seen. */
export function storeyInSight(ctx: SceneContext, site: { levels: number }, level: number): boolean {
  const shown = ctx.uniforms.uStorey.value;
  if (level > shown + 0.5) return false;
  if (site.levels < 2 || ctx.uniforms.uExplode.value > 0.5) return true;
  return level >= Math.min(shown, site.levels - 1) - 0.5;
}
