import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import {
  securityEventsQuery,
  securityQuery,
  type SecurityEvent,
  type StationSecurity,
  type UpgradeOutcome,
} from '@/api/care';
import { api, seg } from '@/api/client';
import type { NoteOf } from '@/api/knowledge';
import type { Station } from '@/api/types';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { dateTime } from '@/ui/format';
import { SeverityBadge } from '@/ui/glyph';
import { Icon } from '@/ui/icons';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { severityKey } from '@/ui/tokens';
import { StationPolicyPanel } from '../violations/policies';
import { AskDialog } from './ask-dialog';
import { CertificatePanel } from './certificates';
import type { TabProps } from './tabs';
import './care.css';

export const profileWords: readonly string[] = [
  'Nothing but its name',
  'A password',
  'A password, over TLS',
  'A certificate of its own, over TLS',
];

const rotation: Readonly<Record<string, string>> = {
  taken: '',
  refused: 'The station refused the new password. The old one goes on to count.',
  unanswered: 'The station did not answer. Both passwords count until it has come with the new one.',
};

function RotateDialog({ station, onClose }: { station: Station; onClose: () => void }) {
  return (
    <AskDialog
      station={station.id}
      title="Change the password"
      description="A new password is drawn and set in the station over its own connection. The old one goes on to count until the station has come with the new one, so it cannot be locked out. Nobody needs to know it."
      confirm="Change the password"
      send={async () => {
        const path = `/stations/${seg(station.id)}/credentials/rotate`;
        const { outcome } = await api.post<{ outcome: string }>(path);
        const problem = rotation[outcome];
        if (problem) throw new Error(problem);
        return null;
      }}
      onClose={onClose}
    />
  );
}

function RaiseDialog({
  station,
  profile,
  onClose,
}: {
  station: Station;
  profile: number;
  onClose: () => void;
}) {
  const higher = [1, 2, 3].filter((n) => n > profile);
  return (
    <AskDialog
      station={station.id}
      title="Demand a higher profile"
      description="From its next connection on the station is let in only like this. Set the station up first: it can be lowered on the server’s command line alone."
      confirm="Demand it"
      danger
      send={async (form) => {
        await api.put(`/stations/${seg(station.id)}/security`, { profile: Number(form.get('profile')) });
        return null;
      }}
      onClose={onClose}
    >
      <div className="field">
        <label htmlFor="sec-profile">It must prove itself with</label>
        <select id="sec-profile" name="profile" className="input">
          {higher.map((n) => (
            <option key={n} value={n}>
              {n}: {profileWords[n]}
            </option>
          ))}
        </select>
      </div>
    </AskDialog>
  );
}

/** Where stations reach this server, as far as the page knows. */
const ours = () => `wss://${window.location.host}/ocpp`;

function UpgradeDialog({
  station,
  profile,
  onClose,
}: {
  station: Station;
  profile: number;
  onClose: () => void;
}) {
  const higher = [2, 3].filter((n) => n > profile);
  const old = station.ocpp_version === '1.6';
  return (
    <AskDialog
      station={station.id}
      title="Bring it to a higher profile"
      description="The station is told over its own connection, and restarts where its version asks for it. Until it has come like this the present profile goes on to count, so it cannot be locked out. For profile 3 let it ask for a certificate first."
      confirm="Tell the station"
      send={async (form) => {
        const body = {
          profile: Number(form.get('profile')),
          url: old ? undefined : String(form.get('url')).trim(),
        };
        const path = `/stations/${seg(station.id)}/security/upgrade`;
        const told = await api.post<UpgradeOutcome>(path, body);
        if (told.outcome === 'refused')
          throw new Error(
            `The station did not take ${told.action ?? 'it'}: ${told.reason ?? 'no reason given'}.`,
          );
        return null;
      }}
      onClose={onClose}
    >
      <div className="field">
        <label htmlFor="up-profile">It will prove itself with</label>
        <select id="up-profile" name="profile" className="input">
          {higher.map((n) => (
            <option key={n} value={n}>
              {n}: {profileWords[n]}
            </option>
          ))}
        </select>
      </div>
      {!old && (
        <div className="field">
          <label htmlFor="up-url">Where it connects, without its name</label>
          <input
            id="up-url"
            name="url"
            className="input mono"
            required
            pattern="wss://.+"
            title="An address that begins with wss://"
            maxLength={512}
            defaultValue={ours()}
            spellCheck={false}
          />
        </div>
      )}
    </AskDialog>
  );
}

function HowItComes({
  station,
  security,
  onPassword,
}: {
  station: Station;
  security: StationSecurity;
  onPassword: () => void;
}) {
  const [dialog, setDialog] = useState<'raise' | 'rotate' | 'upgrade' | null>(null);
  const close = () => setDialog(null);
  return (
    <>
      <dl className="facts panel-body">
        <div>
          <dt>Security profile</dt>
          <dd>
            {security.profile}: {profileWords[security.profile] ?? 'unknown'}
          </dd>
        </div>
        <div>
          <dt>Password</dt>
          <dd>{security.has_password ? 'Set; only a hash of it is kept' : 'None'}</dd>
        </div>
      </dl>
      {security.profile === 0 && (
        <p className="notice">
          <Icon name="warn" size={14} /> Anybody who knows its name can speak for this station.
        </p>
      )}
      {security.rotating_since != null && (
        <p className="notice" role="status">
          <Icon name="refresh" size={14} /> Since {dateTime(security.rotating_since)} a new password waits for
          the station to come with it. Both count until then.
        </p>
      )}
      {security.next_profile != null && (
        <p className="notice" role="status">
          <Icon name="refresh" size={14} /> The station was told to come with profile {security.next_profile}.
          It is held to it once it has.
        </p>
      )}
      <div className="panel-foot">
        <button type="button" className="btn" disabled={!station.online} onClick={() => setDialog('rotate')}>
          <Icon name="refresh" size={14} /> Change the password
        </button>
        <button type="button" className="btn" onClick={onPassword}>
          <Icon name="key" size={14} /> New password to type in
        </button>
        {security.profile < 3 && (
          <>
            <button
              type="button"
              className="btn"
              disabled={!station.online}
              onClick={() => setDialog('upgrade')}
            >
              <Icon name="claims" size={14} /> Bring it to a higher profile
            </button>
            <button type="button" className="btn" onClick={() => setDialog('raise')}>
              Demand a higher profile
            </button>
          </>
        )}
      </div>
      {dialog === 'rotate' && <RotateDialog station={station} onClose={close} />}
      {dialog === 'upgrade' && <UpgradeDialog station={station} profile={security.profile} onClose={close} />}
      {dialog === 'raise' && <RaiseDialog station={station} profile={security.profile} onClose={close} />}
    </>
  );
}

/** "TamperDetectionActivated" as words. */
const words = (type: string) =>
  type.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/ [A-Z](?![A-Z])/g, (m) => m.toLowerCase());

const eventColumns: readonly Column<NoteOf<SecurityEvent>>[] = [
  {
    key: 'at',
    label: 'When',
    sort: (e) => e.at,
    cell: (e) => <span className="num">{dateTime(e.at)}</span>,
  },
  {
    key: 'type',
    label: 'Event',
    sort: (e) => e.detail.type,
    cell: (e) => <strong>{words(e.detail.type)}</strong>,
  },
  {
    key: 'severity',
    label: 'Severity',
    sort: (e) => e.detail.severity,
    cell: (e) =>
      e.detail.severity ? (
        <SeverityBadge severity={severityKey(e.detail.severity)} />
      ) : (
        <span className="faint">None</span>
      ),
  },
  {
    key: 'info',
    label: 'What it says',
    wide: true,
    cell: (e) => (
      <span className="wraps muted">
        {[e.detail.tech_info, e.detail.address].filter(Boolean).join(', from ') || '–'}
      </span>
    ),
  },
];

function EventPanel({ station }: { station: string }) {
  const { data, error, refetch } = useQuery({
    ...securityEventsQuery(station),
    refetchInterval: 10_000,
  });
  return (
    <section className="panel" aria-labelledby="security-events">
      <header className="panel-head">
        <h2 id="security-events">Security events</h2>
        {data?.next && <span className="aside">The newest 100</span>}
      </header>
      {error && !data ? (
        <ErrorState error={error} retry={() => void refetch()} what="Security events" />
      ) : (
        <DataTable
          caption={`Security events of ${station}`}
          columns={eventColumns}
          rows={data?.items}
          rowKey={(e) => String(e.id)}
          initialSort={{ key: 'at', dir: 'desc' }}
          empty={
            <EmptyState icon="claims" title="No security events">
              The station told of none, and nobody was refused at the door in its name.
            </EmptyState>
          }
        />
      )}
    </section>
  );
}

/** How the station proves who it is, what was signed for it, and what happened to its security. */
export default function SecurityTab({ station, onCommand }: TabProps) {
  const session = useSession();
  const admin = may(session?.role, 'admin');
  const { data, error, refetch } = useQuery({
    ...securityQuery(station.id),
    enabled: admin,
    refetchInterval: 10_000,
  });
  return (
    <>
      <section className="panel" aria-labelledby="how">
        <header className="panel-head">
          <h2 id="how">How it comes</h2>
        </header>
        {!admin ? (
          <EmptyState icon="key" title="For administrators">
            Passwords and certificates are theirs to see and change.
          </EmptyState>
        ) : error && !data ? (
          <ErrorState error={error} retry={() => void refetch()} what="Its security" />
        ) : !data ? (
          <SkeletonBlock />
        ) : (
          <HowItComes
            station={station}
            security={data}
            onPassword={() => onCommand({ kind: 'credentials', station })}
          />
        )}
      </section>
      <CertificatePanel station={station} issued={data?.certificates} admin={admin} />
      <EventPanel station={station.id} />
      <StationPolicyPanel station={station.id} admin={admin} />
    </>
  );
}
