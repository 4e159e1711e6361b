import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import type { Connector } from '@/api/types';
import { ConnectorName, ZoneName } from '@/app/names';
import { may } from '@/app/session';
import type { Selection } from '@/app/url-state';
import { useSession } from '@/app/use-session';
import { connectorNumber, energy, percent, plug, power, speed } from '@/ui/format';
import { SeverityBadge, StatusBadge, StatusGlyph } from '@/ui/glyph';
import { Icon } from '@/ui/icons';
import { Meter, Power } from '@/ui/quantity';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { statusKey } from '@/ui/tokens';
import type { CommandTarget } from '../stations/commands';
import { useStation } from '../stations/use-station';
import { stationOf, useVehicle } from '../vehicles/use-vehicle';
import { conductWords, useConduct } from './conduct';
import { useOverview } from './kpi-strip';
import './inspector.css';

const CommandDialogs = lazy(() =>
  import('../stations/commands').then((m) => ({ default: m.CommandDialogs })),
);

interface Props {
  selection: Selection;
  onClose: () => void;
  onSelect: (selection: Selection) => void;
}

function Frame({
  title,
  badge,
  children,
  onClose,
  open,
}: {
  title: string;
  badge: ReactNode;
  children: ReactNode;
  onClose: () => void;
  open: ReactNode;
}) {
  return (
    <section className="panel ops-panel inspector" aria-label={`Selected: ${title}`}>
      <header className="panel-head">
        <h2 className="truncate">{title}</h2>
        {badge}
        <button
          type="button"
          className="btn btn-ghost btn-icon btn-sm"
          aria-label="Close the selection"
          onClick={onClose}
        >
          <Icon name="close" size={14} />
        </button>
      </header>
      <div className="inspector-body">{children}</div>
      <footer className="inspector-foot">{open}</footer>
    </section>
  );
}

function ConnectorRow({
  connector: c,
  evseBusy,
  canCommand,
  onCommand,
}: {
  connector: Connector;
  /** An EVSE serves one vehicle at a time, whatever the plug. */
  evseBusy: boolean;
  canCommand: boolean;
  onCommand: (kind: 'start' | 'stop') => void;
}) {
  const key = statusKey(c.status);
  const share = c.max_power_w ? Math.abs(c.power_w ?? 0) / c.max_power_w : null;
  return (
    <li className="inspector-connector">
      <StatusGlyph status={key} size={14} />
      <div className="grow">
        <div className="line">
          <span>
            {connectorNumber(c)} <span className="faint">{plug(c.type)}</span>
          </span>
          <span className="num">
            {key === 'charging' ? <Power w={c.power_w} /> : <span className="muted">{c.status}</span>}
          </span>
        </div>
        {key === 'charging' && (
          <>
            <Meter
              share={share}
              color="var(--status-charging)"
              label={`Connector ${connectorNumber(c)}: ${percent(share)}`}
            />
            <div className="line sub">
              <span className="truncate">{c.id_token ?? ''}</span>
              <span className="num">{c.soc === null ? energy(c.energy_wh) : percent(c.soc)}</span>
            </div>
          </>
        )}
      </div>
      {canCommand &&
        (c.transaction_id ? (
          <button
            type="button"
            className="btn btn-icon btn-sm"
            title="Stop charging"
            aria-label={`Stop charging on connector ${connectorNumber(c)}`}
            onClick={() => onCommand('stop')}
          >
            <Icon name="stop" size={13} />
          </button>
        ) : (
          <button
            type="button"
            className="btn btn-icon btn-sm"
            title="Start charging"
            aria-label={`Start charging on connector ${connectorNumber(c)}`}
            disabled={evseBusy || key === 'faulted' || key === 'unavailable'}
            onClick={() => onCommand('start')}
          >
            <Icon name="play" size={13} />
          </button>
        ))}
    </li>
  );
}

function StationInspector({ id, onClose }: { id: string; onClose: () => void }) {
  const session = useSession();
  const conduct = conductWords(useConduct().get(id));
  const { station, error, retry } = useStation(id);
  const [target, setTarget] = useState<CommandTarget | null>(null);
  const open = (
    <Link to="/stations/$stationId" params={{ stationId: id }} className="btn">
      Open station <Icon name="chevronRight" size={12} />
    </Link>
  );
  return (
    <Frame
      title={station?.name ?? id}
      badge={station && <StatusBadge status={station.status} />}
      onClose={onClose}
      open={open}
    >
      {error ? (
        <ErrorState error={error} retry={retry} what={`Station ${id}`} />
      ) : !station ? (
        <SkeletonBlock lines={4} />
      ) : (
        <>
          <div className="inspector-headline">
            {station.power_w === null && station.max_power_w === null ? (
              <span className="faint">No power told yet</span>
            ) : (
              <>
                <span className="big">
                  <Power w={station.power_w} />
                </span>
                {station.max_power_w !== null && (
                  <span className="faint">of {power(station.max_power_w)}</span>
                )}
              </>
            )}
            <span className="tag" style={{ marginLeft: 'auto' }}>
              OCPP {station.ocpp_version ?? '–'}
            </span>
          </div>
          <p className="sub inspector-line">
            <span>
              {[station.name !== id && id, station.firmware_version && `firmware ${station.firmware_version}`]
                .filter(Boolean)
                .join(' · ')}
            </span>
            {station.alarm && <SeverityBadge severity={station.alarm} />}
          </p>
          {conduct && (
            <Link
              to="/stations/$stationId/$tab"
              params={{ stationId: id, tab: 'security' }}
              className="tag"
              data-tone="bad"
              title="How it kept to the protocol within the last hour"
            >
              {conduct}
            </Link>
          )}
          <ul className="inspector-connectors" aria-label="Connectors">
            {(station.evses ?? [])
              .flatMap((evse) => evse.connectors.map((connector) => ({ evse, connector })))
              .map(({ evse, connector }) => (
                <ConnectorRow
                  key={connector.id}
                  connector={connector}
                  evseBusy={evse.connectors.some((c) => c.transaction_id !== null)}
                  canCommand={may(session?.role, 'operator')}
                  onCommand={(kind) => setTarget({ kind, station, connector })}
                />
              ))}
          </ul>
        </>
      )}
      {target && station && (
        <Suspense fallback={null}>
          <CommandDialogs target={{ ...target, station }} onClose={() => setTarget(null)} />
        </Suspense>
      )}
    </Frame>
  );
}

function VehicleInspector({ id, onClose, onSelect }: Omit<Props, 'selection'> & { id: string }) {
  const { vehicle: v, error, retry } = useVehicle(id);
  const at = v?.connector;
  return (
    <Frame
      title={v?.name ?? id}
      badge={v && <StatusBadge status={v.status} />}
      onClose={onClose}
      open={
        <Link to="/vehicles/$vehicleId" params={{ vehicleId: id }} className="btn">
          Open vehicle{v?.pack ? ' and pack' : ''} <Icon name="chevronRight" size={12} />
        </Link>
      }
    >
      {error ? (
        <ErrorState error={error} retry={retry} what={`Vehicle ${id}`} />
      ) : !v ? (
        <SkeletonBlock lines={4} />
      ) : (
        <>
          <div className="inspector-headline">
            <span className="big">{percent(v.soc)}</span>
            <span className="faint">state of charge</span>
          </div>
          <Meter
            share={v.soc}
            color={v.soc !== null && v.soc < 0.15 ? 'var(--severity-major)' : 'var(--status-charging)'}
            label="State of charge"
          />
          <dl className="facts">
            <div>
              <dt>Speed</dt>
              <dd>{speed(v.speed_mps)}</dd>
            </div>
            <div>
              <dt>{(v.power_w ?? 0) < 0 ? 'From the battery' : 'Into the battery'}</dt>
              <dd>{power(v.power_w === null ? null : Math.abs(v.power_w))}</dd>
            </div>
            <div>
              <dt>Plugged into</dt>
              <dd>
                {at ? (
                  <button
                    type="button"
                    className="link-button"
                    onClick={() => onSelect({ kind: 'station', id: stationOf(at) })}
                  >
                    <ConnectorName id={at} />
                  </button>
                ) : (
                  '–'
                )}
              </dd>
            </div>
            <div>
              <dt>Zone</dt>
              <dd>
                <ZoneName id={v.zone} />
              </dd>
            </div>
          </dl>
        </>
      )}
    </Frame>
  );
}

function ZoneInspector({ id, onClose }: { id: string; onClose: () => void }) {
  const o = useOverview();
  const zone = o?.zones.find((z) => z.id === id);
  return (
    <Frame
      title={zone?.name ?? id}
      badge={<span className="tag">Zone</span>}
      onClose={onClose}
      open={
        <Link to="/" search={{ sel: `zone:${id}`, view: 'table' }} className="btn">
          List its stations <Icon name="chevronRight" size={12} />
        </Link>
      }
    >
      {!zone ? (
        <SkeletonBlock lines={3} />
      ) : (
        <>
          <div className="inspector-headline">
            <span className="big">
              <Power w={zone.power_w} />
            </span>
            <span className="faint">of {power(zone.max_power_w)} rated</span>
          </div>
          <dl className="facts">
            <div>
              <dt>Stations</dt>
              <dd>{zone.stations}</dd>
            </div>
            <div>
              <dt>In use</dt>
              <dd>
                {zone.in_use} of {zone.connectors}
              </dd>
            </div>
            <div>
              <dt>Vehicles</dt>
              <dd>{zone.vehicles}</dd>
            </div>
            <div>
              <dt>Energy today</dt>
              <dd>{energy(zone.energy_today_wh)}</dd>
            </div>
          </dl>
        </>
      )}
    </Frame>
  );
}

/** What is selected, in short; its page is one click away. */
export function Inspector({ selection, onClose, onSelect }: Props) {
  switch (selection.kind) {
    case 'station':
      return <StationInspector id={selection.id} onClose={onClose} />;
    case 'connector':
      return <StationInspector id={stationOf(selection.id)} onClose={onClose} />;
    case 'vehicle':
      return <VehicleInspector id={selection.id} onClose={onClose} onSelect={onSelect} />;
    case 'zone':
      return <ZoneInspector id={selection.id} onClose={onClose} />;
  }
}
