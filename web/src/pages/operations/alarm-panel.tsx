import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { alarmsQuery } from '@/api/queries';
import type { Alarm } from '@/api/types';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import type { Selection } from '@/app/url-state';
import { useSession } from '@/app/use-session';
import { instant, sentence } from '@/ui/format';
import { SeverityGlyph } from '@/ui/glyph';
import { Icon } from '@/ui/icons';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { AlarmAge, useAcknowledge } from '../alarms';
import './alarm-panel.css';

const rank = { critical: 4, major: 3, minor: 2, info: 1 } as const;

/** Worst first; of equals the unacknowledged and then the newest. */
export function topAlarms(alarms: readonly Alarm[]): Alarm[] {
  return alarms.toSorted(
    (a, b) =>
      Number(a.acknowledged_at !== null) - Number(b.acknowledged_at !== null) ||
      rank[b.severity] - rank[a.severity] ||
      (instant(b.raised_at) ?? 0) - (instant(a.raised_at) ?? 0),
  );
}

export function AlarmPanel({
  onSelect,
  shown,
}: {
  onSelect: (selection: Selection) => void;
  /** Rows at most; the desk has them all. */
  shown: number;
}) {
  const session = useSession();
  const { rows, error, retry } = useList(alarmsQuery('open'));
  const acknowledge = useAcknowledge();
  const top = useMemo(() => rows && topAlarms(rows).slice(0, shown), [rows, shown]);
  const open = rows?.filter((a) => !a.acknowledged_at).length ?? 0;
  return (
    <section className="panel ops-panel" aria-labelledby="ops-alarms">
      <header className="panel-head">
        <h2 id="ops-alarms">Alarms</h2>
        <span className="aside">{rows ? `${open} to acknowledge` : ''}</span>
        <Link to="/alarms" className="btn btn-ghost btn-icon btn-sm" aria-label="Open the alarm desk">
          <Icon name="chevronRight" size={14} />
        </Link>
      </header>
      {error ? (
        <ErrorState error={error} retry={retry} what="Alarms" />
      ) : top === undefined ? (
        <SkeletonBlock lines={3} />
      ) : top.length === 0 ? (
        <p className="ops-calm">
          <Icon name="check" size={14} /> No open alarms
        </p>
      ) : (
        <ul className="ops-alarms">
          {top.map((alarm) => (
            <li key={alarm.id} data-severity={alarm.severity} data-open={!alarm.acknowledged_at}>
              <button
                type="button"
                className="ops-alarm"
                onClick={() =>
                  onSelect(
                    alarm.station
                      ? { kind: 'station', id: alarm.station }
                      : { kind: 'vehicle', id: alarm.twin },
                  )
                }
              >
                <SeverityGlyph severity={alarm.severity} size={13} />
                <span className="ops-alarm-text">
                  <span className="visually-hidden">{alarm.severity}: </span>
                  <span className="ops-alarm-message">{sentence(alarm.message)}</span>
                  <span className="sub ops-alarm-where">
                    <span className="truncate">{alarm.twin}</span> · <AlarmAge alarm={alarm} />
                  </span>
                </span>
              </button>
              {!alarm.acknowledged_at && may(session?.role, 'operator') && (
                <button
                  type="button"
                  className="btn btn-ghost btn-icon btn-sm"
                  title="Acknowledge"
                  aria-label={`Acknowledge ${alarm.code} at ${alarm.twin}`}
                  disabled={acknowledge.isPending && acknowledge.variables.id === alarm.id}
                  onClick={() => acknowledge.mutate(alarm)}
                >
                  <Icon name="check" size={14} />
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
