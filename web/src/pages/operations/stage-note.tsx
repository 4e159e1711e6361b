import { Link } from '@tanstack/react-router';
import type { Scene } from '@/api/types';
import { plural } from '@/ui/format';
import { EmptyState } from '@/ui/states';
import { useOverview } from './kpi-strip';
import './stage-note.css';

/** How many stations the picture can show: those with a place of their own, of their hub or of their site. */
export function placed(scene: Scene): number {
  return scene.stations.filter((s) => s.lat_deg != null && s.lon_deg != null).length;
}

/** What to do where the picture would be empty: a first visit has no city yet. */
export function StageNote({ scene, onTable }: { scene: Scene; onTable: () => void }) {
  const o = useOverview();
  if (placed(scene) > 0 || (o?.vehicles.total ?? 0) > 0) return null;
  const stations = Math.max(o?.stations.total ?? 0, scene.stations.length);
  return (
    <div className="ops-stage-note">
      {stations === 0 ? (
        <EmptyState
          icon="stations"
          title="No stations yet"
          action={
            <div className="actions">
              <Link to="/stations" className="btn btn-primary">
                Add a station
              </Link>
              <Link to="/claims" className="btn">
                See who knocks
              </Link>
            </div>
          }
        >
          Add the first one, or let a station connect and accept it under Claims. It stands here once it has a
          position.
        </EmptyState>
      ) : (
        <EmptyState
          icon="cube"
          title={`${plural(stations, 'station')} without a position`}
          action={
            <div className="actions">
              <button type="button" className="btn btn-primary" onClick={onTable}>
                Show the table
              </button>
              <Link to="/api-docs" className="btn">
                How to set one
              </Link>
            </div>
          }
        >
          The 3D view shows stations where they stand. Give them latitude and longitude, or a hub or site that
          has them; until then the table shows all of them live.
        </EmptyState>
      )}
    </div>
  );
}
