import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useMemo } from 'react';
import { sceneQuery, stationsQuery } from '@/api/queries';
import { connectorEfficiencyQuery } from '@/api/uptime';
import { useList } from '@/api/use-list';
import { usePreferences } from '@/app/preferences';
import {
  colorModes,
  formatLayers,
  formatSelection,
  parseLayers,
  parseSelection,
  type CameraMode,
  type ColorMode,
  type LayerName,
  type Selection,
} from '@/app/url-state';
import { Boundary } from '@/ui/boundary';
import { Icon } from '@/ui/icons';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState } from '@/ui/states';
import { hasWebGl } from '@/ui/webgl';
import { AlarmPanel } from './alarm-panel';
import { conductTag, useConduct } from './conduct';
import { EfficiencyPanel } from './efficiency-panel';
import { byFirmware, byOcpp, byUse, utilisation, type Grouping } from './groups';
import { Inspector } from './inspector';
import { KpiStrip } from './kpi-strip';
import { colorLabel, Legend } from './legend';
import { NetworkTable } from './network-table';
import { StageNote } from './stage-note';
import { ZonePanel } from './zone-panel';
import './operations.css';

const NetworkScene = lazy(() => import('@/scene').then((m) => ({ default: m.NetworkScene })));

const route = getRouteApi('/shell/');

function SceneLoading() {
  return (
    <div className="ops-loading" role="status">
      <span className="ops-loading-bar" aria-hidden="true" />
      <span>Loading the network view</span>
    </div>
  );
}

/** Stations by what the colour is to tell; null for their state. */
function useGrouping(mode: ColorMode): Grouping | null {
  const stations = useList(stationsQuery).rows;
  const connectors = useList(connectorEfficiencyQuery, 60_000).rows;
  return useMemo(() => {
    if (mode === 'status' || !stations) return null;
    if (mode === 'ocpp') return byOcpp(stations);
    if (mode === 'firmware') return byFirmware(stations);
    return byUse(stations, utilisation(connectors ?? []));
  }, [mode, stations, connectors]);
}

/** The network at a glance: the 3D view (or the tables that say the same) under the panels that judge it. */
export function OperationsPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/' });
  const theme = usePreferences((s) => s.theme);
  const scene = useQuery(sceneQuery);
  const selection = useMemo(() => parseSelection(search.sel), [search.sel]);
  const layers = useMemo(() => parseLayers(search.hide), [search.hide]);
  const camera: CameraMode = search.cam ?? 'overview';
  const mode = search.color ?? 'status';
  const grouping = useGrouping(mode);
  const conduct = useConduct();
  const tags = useMemo(() => new Map([...conduct].map(([id, c]) => [id, conductTag(c)])), [conduct]);
  const asTable = search.view === 'table' || !hasWebGl();

  const select = useCallback(
    (next: Selection | null) =>
      void navigate({ search: (s) => ({ ...s, sel: formatSelection(next) }), replace: true }),
    [navigate],
  );
  const toggleLayer = (name: LayerName) =>
    void navigate({
      search: (s) => ({ ...s, hide: formatLayers({ ...layers, [name]: !layers[name] }) }),
      replace: true,
    });
  const setCamera = useCallback(
    (mode: CameraMode) =>
      void navigate({
        search: (s) => ({ ...s, cam: mode === 'overview' ? undefined : mode }),
        replace: true,
      }),
    [navigate],
  );
  const setMode = (next: ColorMode) =>
    void navigate({
      search: (s) => ({ ...s, color: next === 'status' ? undefined : next }),
      replace: true,
    });
  const setView = (view: 'scene' | 'table') =>
    void navigate({ search: (s) => ({ ...s, view: view === 'table' ? 'table' : undefined }), replace: true });

  return (
    <div className="ops" data-view={asTable ? 'table' : 'scene'}>
      <h1 className="visually-hidden">Operations</h1>
      <div className="ops-stage">
        {asTable ? (
          <NetworkTable selection={selection} onSelect={select} conduct={conduct} />
        ) : scene.error && !scene.data ? (
          <ErrorState error={scene.error} retry={() => void scene.refetch()} what="The network" />
        ) : !scene.data ? (
          <SceneLoading />
        ) : (
          <Boundary
            fallback={
              <EmptyState icon="cube" title="The 3D view stopped">
                The table view shows the same network.
              </EmptyState>
            }
          >
            <Suspense fallback={<SceneLoading />}>
              <NetworkScene
                scene={scene.data}
                selection={selection}
                onSelect={select}
                camera={camera}
                onCamera={setCamera}
                layers={layers}
                groups={grouping?.scene ?? null}
                conduct={tags}
                theme={theme}
                quality="auto"
                loading={<SceneLoading />}
              />
              <StageNote scene={scene.data} onTable={() => setView('table')} />
            </Suspense>
          </Boundary>
        )}
      </div>
      <div className="ops-top">
        <KpiStrip />
      </div>
      <div className="ops-tools">
        {!asTable && (
          <Legend
            layers={layers}
            onToggle={toggleLayer}
            mode={mode}
            groups={grouping?.groups ?? null}
            theme={theme}
            conduct={conduct}
          />
        )}
        <div className="ops-switches">
          {hasWebGl() && (
            <Segments<'scene' | 'table'>
              label="View"
              value={asTable ? 'table' : 'scene'}
              onChange={setView}
              options={[
                { value: 'scene', label: '3D view' },
                { value: 'table', label: 'Table' },
              ]}
            />
          )}
          {!asTable && (
            <Segments<ColorMode>
              label="Colour of stations"
              value={mode}
              onChange={setMode}
              options={colorModes.map((value) => ({ value, label: colorLabel[value] }))}
            />
          )}
          {!asTable && (
            <Segments<CameraMode>
              label="Camera"
              value={camera}
              onChange={setCamera}
              options={[
                { value: 'overview', label: 'Overview' },
                { value: 'top', label: 'From above' },
                { value: 'follow', label: 'Follow' },
              ]}
            />
          )}
        </div>
      </div>
      <aside className="ops-dock" aria-label="Network state">
        {selection && (
          <Inspector key={search.sel} selection={selection} onClose={() => select(null)} onSelect={select} />
        )}
        <AlarmPanel onSelect={select} shown={selection ? 3 : 5} />
        <ZonePanel selected={selection?.kind === 'zone' ? selection.id : null} onSelect={select} />
        <EfficiencyPanel />
      </aside>
      {!asTable && (
        <p className="visually-hidden">
          <Icon name="table" /> The table view lists the same stations and vehicles for keyboard and screen
          reader.
        </p>
      )}
    </div>
  );
}
