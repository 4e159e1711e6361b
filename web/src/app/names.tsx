import { useQuery } from '@tanstack/react-query';
import { sceneQuery } from '@/api/queries';
import type { Scene } from '@/api/types';
import { NONE } from '@/ui/format';

/** The name of a zone; its id where it has none or the network is not known yet. */
export function zoneName(scene: Scene | undefined, id: string): string {
  return scene?.zones.find((zone) => zone.id === id)?.name ?? id;
}

/** The name of the hub or site that a twin is, or whose grid connection it is; null for any other. */
export function placeOf(scene: Scene | undefined, id: string): string | null {
  const place =
    scene?.hubs.find((h) => h.id === id) ?? scene?.sites.find((s) => s.id === id || s.grid?.id === id);
  return place?.name ?? null;
}

/** Where a station stands, by name: its hub, its site and its zone. */
export function placesOf(scene: Scene | undefined, id: string): string[] {
  const station = scene?.stations.find((s) => s.id === id);
  if (!scene || !station) return [];
  return [
    scene.hubs.find((h) => h.id === station.hub)?.name,
    scene.sites.find((s) => s.id === station.site)?.name,
    scene.zones.find((z) => z.id === station.zone)?.name,
  ].filter((name) => name !== undefined);
}

export function stationName(scene: Scene | undefined, id: string): string | null {
  return scene?.stations.find((s) => s.id === id)?.name ?? null;
}

/** A connector as its station and its number there: "Garage level 1 · 2". */
export function connectorName(scene: Scene | undefined, id: string): string {
  const station = scene?.stations.find((s) => s.connectors.some((c) => c.id === id));
  const connector = station?.connectors.find((c) => c.id === id);
  if (!station || !connector) return id;
  const number =
    connector.connector > 1 ? `${connector.evse}.${connector.connector}` : String(connector.evse);
  return `${station.name ?? station.id} · ${number}`;
}

/** The network's names: read once, and kept for a minute. */
export function useScene(): Scene | undefined {
  return useQuery(sceneQuery).data;
}

export function ZoneName({ id }: { id: string | null }) {
  const scene = useScene();
  return id === null ? <>{NONE}</> : <span title={id}>{zoneName(scene, id)}</span>;
}

/** The name of a station beside its id; nothing where it has none, or no room. */
export function StationName({ id }: { id: string }) {
  const name = stationName(useScene(), id);
  return name === null || name === id ? null : <span className="faint wide">{name}</span>;
}

export function ConnectorName({ id }: { id: string }) {
  const scene = useScene();
  return <span title={id}>{connectorName(scene, id)}</span>;
}
