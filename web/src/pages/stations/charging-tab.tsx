import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { LocalListPanel } from '../tokens/local-list';
import { AvailabilityPanel, Further } from './charging-panels';
import { ReservationPanel } from './reservations';
import { SchedulePanel } from './schedule-panel';
import type { TabProps } from './tabs';
import './charging.css';

/** Everything that says who may charge at this station, and how. */
export default function ChargingTab({ station }: TabProps) {
  const session = useSession();
  const allowed = may(session?.role, 'operator');
  return (
    <>
      <SchedulePanel station={station} allowed={allowed} />
      <div className="halves">
        <ReservationPanel station={station} allowed={allowed} />
        <div className="stack">
          <AvailabilityPanel station={station} allowed={allowed} />
          <LocalListPanel station={station.id} online={station.online} allowed={allowed} />
        </div>
      </div>
      <Further station={station.id} />
    </>
  );
}
