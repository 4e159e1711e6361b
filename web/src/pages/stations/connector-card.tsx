import { Link } from '@tanstack/react-router';
import type { Connector } from '@/api/types';
import { connectorNumber, energy, measure, NONE, percent, plug, power } from '@/ui/format';
import { StatusBadge } from '@/ui/glyph';
import { Icon } from '@/ui/icons';
import { Meter, Power } from '@/ui/quantity';
import { TraceTag } from '@/ui/trace-tag';
import { statusKey } from '@/ui/tokens';

/** One plug: what it does now, and the two commands that act on it. */
export function ConnectorCard({
  connector: c,
  evseBusy,
  canCommand,
  trace,
  onStart,
  onStop,
}: {
  connector: Connector;
  /** An EVSE serves one vehicle at a time, whatever the plug. */
  evseBusy: boolean;
  canCommand: boolean;
  /** What brought the newest value, once one arrived while this page was open. */
  trace: string | null;
  onStart: () => void;
  onStop: () => void;
}) {
  const key = statusKey(c.status);
  const name = `Connector ${connectorNumber(c)}`;
  const share = c.max_power_w ? Math.abs(c.power_w ?? 0) / c.max_power_w : null;
  const startable =
    !evseBusy && (key === 'available' || key === 'preparing' || key === 'occupied' || key === 'reserved');
  return (
    <article className="connector" data-status={key} aria-label={`${name}, ${plug(c.type)}`}>
      <header className="connector-head">
        <h2>
          {name} <span className="faint">{plug(c.type)}</span>
        </h2>
        <StatusBadge status={c.status} />
      </header>
      <div>
        <div className="connector-power">
          <Power w={c.power_w} />
          {c.max_power_w !== null && <span className="of num">of {power(c.max_power_w)}</span>}
        </div>
        <Meter
          share={share}
          color={`var(--status-${key})`}
          label={`${name}: ${percent(share)} of its power`}
        />
      </div>
      <dl className="facts">
        <div>
          <dt>State of charge</dt>
          <dd>{percent(c.soc)}</dd>
        </div>
        <div>
          <dt>Meter</dt>
          <dd>{energy(c.energy_wh)}</dd>
        </div>
        <div>
          <dt>Voltage, current</dt>
          <dd>
            {c.voltage_v === null && c.current_a === null
              ? NONE
              : `${measure(c.voltage_v, 'V', 0)} · ${measure(c.current_a, 'A', 0)}`}
          </dd>
        </div>
        <div>
          <dt>Temperature</dt>
          <dd>{measure(c.temp_c, '°C', 0)}</dd>
        </div>
        {c.id_token && (
          <div>
            <dt>Id token</dt>
            <dd className="mono">{c.id_token}</dd>
          </div>
        )}
        {c.transaction_id && (
          <div>
            <dt>Transaction</dt>
            <dd className="mono">
              <Link to="/transactions" search={{ q: c.transaction_id }} className="link">
                {c.transaction_id}
              </Link>
            </dd>
          </div>
        )}
        {trace && (
          <div>
            <dt>Newest value</dt>
            <dd>
              <span className="faint">trace</span> <TraceTag trace={trace} />
            </dd>
          </div>
        )}
        {c.error_code && c.error_code !== 'NoError' && (
          <div>
            <dt>Error</dt>
            <dd style={{ color: 'var(--danger-text)' }}>{c.error_code}</dd>
          </div>
        )}
      </dl>
      {canCommand && (
        <div className="connector-foot">
          <button
            type="button"
            className="btn"
            disabled={!startable}
            onClick={onStart}
            aria-label={`Start charging on ${name}`}
          >
            <Icon name="play" size={14} /> Start
          </button>
          <button
            type="button"
            className="btn"
            disabled={!c.transaction_id}
            onClick={onStop}
            aria-label={`Stop charging on ${name}`}
          >
            <Icon name="stop" size={14} /> Stop
          </button>
        </div>
      )}
    </article>
  );
}
