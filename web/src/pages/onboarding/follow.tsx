import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, seg } from '@/api/client';
import { securityQuery } from '@/api/care';
import { onboardingQuery, type Onboarding } from '@/api/desk';
import { may } from '@/app/session';
import { PageHead } from '@/app/page-head';
import { useSession } from '@/app/use-session';
import { age, instant, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Secret } from '@/ui/secret';
import { Segments } from '@/ui/segments';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { useNow } from '@/ui/use-now';
import { forgetPassword, keepPassword, passwordOf } from './password';
import { isShut, settingsOf } from './reach';
import { WizardSteps } from './steps';
import './onboarding.css';

const route = getRouteApi('/shell/onboarding/$stationId');

const versions = [
  { value: '1.6', label: 'OCPP 1.6' },
  { value: '2.0.1', label: 'OCPP 2.0.1, 2.1' },
] as const;
type Shown = (typeof versions)[number]['value'];

const stages = ['waiting', 'connected', 'booted', 'ready'] as const;
const stageWords: Readonly<Record<(typeof stages)[number], [before: string, after: string]>> = {
  waiting: ['Registered', 'Registered'],
  connected: ['Connects', 'Connected'],
  booted: ['Tells what it is', 'Told what it is'],
  ready: ['Tells the status of a connector', 'Connectors have a status'],
};

/** The password while this window knows it; else a way to a new one. */
function Password({ of }: { of: Onboarding }) {
  const session = useSession();
  const [password, setPassword] = useState(() => passwordOf(of.id));
  const renew = useMutation({
    mutationFn: () => api.post<{ password: string }>(`/stations/${seg(of.id)}/credentials`),
    onSuccess: (made) => {
      keepPassword(of.id, made.password);
      setPassword(made.password);
    },
  });
  if (password) return <Secret value={password} label="Password" />;
  return (
    <div className="field">
      <span className="label">Password</span>
      <p className="muted">
        {of.has_password
          ? 'It is set; only a hash of it is kept here, so it cannot be shown.'
          : 'It has none.'}{' '}
        {may(session?.role, 'admin') && (
          <button
            type="button"
            className="link link-button"
            disabled={renew.isPending}
            onClick={() => renew.mutate()}
          >
            Make a new one
          </button>
        )}
      </p>
      {renew.error && (
        <span className="problem" role="alert">
          {renew.error.message}
        </span>
      )}
    </div>
  );
}

/** The server is not reached in a way in which this station may come: why, and what to do. */
function Shut({ of, profile }: { of: Onboarding; profile: number }) {
  return (
    <div className="outcome" data-tone="bad" role="alert">
      <strong>It cannot come in at this address</strong>
      <p>
        {of.id} is held to security profile {profile}, so it must come over TLS (<code>wss://</code>). You
        reached this server without TLS, and a station that was pointed here would be refused.
      </p>
      <ol className="shut-steps">
        <li>
          Has the server a TLS port, or a proxy with TLS before it? Open this page by its{' '}
          <code>https://</code> address: it then shows where the station must come.
        </li>
        <li>
          If not, start it with a certificate: <code>voltwin serve --tls-cert F --tls-key F</code>. A proxy
          must say <code>X-Forwarded-Proto: https</code>.
        </li>
        <li>
          On a private network without TLS an administrator can hold it to a password alone:{' '}
          <code>voltwin admin station profile {of.id} 1</code>.
        </li>
      </ol>
    </div>
  );
}

/** What a technician types into the station, ready to be copied. */
function Settings({ of, profile }: { of: Onboarding; profile: number | undefined }) {
  const [version, setVersion] = useState<Shown>(
    of.ocpp_version === '1.6' || !of.ocpp_version ? '1.6' : '2.0.1',
  );
  const shut = profile !== undefined && isShut(of, profile);
  return (
    <section className="panel" aria-labelledby="type-in">
      <header className="panel-head" style={{ flexWrap: 'wrap' }}>
        <h2 id="type-in">Type this into the station</h2>
        <Segments<Shown> label="Version" value={version} onChange={setVersion} options={versions} />
      </header>
      <div className="panel-body settings">
        {shut ? (
          <Shut of={of} profile={profile} />
        ) : (
          <>
            <Secret
              value={of.url}
              label="Address, with its identity"
              hint="For stations that want one address for everything."
            />
            <Secret
              value={of.url_base}
              label="Address without its identity"
              hint="For stations that put their identity behind it by themselves."
            />
          </>
        )}
        <Secret value={of.id} label="Identity and user name" hint="" />
        <Password of={of} />
        {settingsOf(of, version, profile).map((s) => (
          <Secret key={s.name} value={s.value} label={s.name} hint="" />
        ))}
      </div>
    </section>
  );
}

/** How far it has come, by itself. */
function Progress({ of, shut }: { of: Onboarding; shut: boolean }) {
  const now = useNow();
  const at = stages.indexOf(of.stage);
  const seen = instant(of.last_seen);
  return (
    <section className="panel" aria-labelledby="progress">
      <header className="panel-head">
        <h2 id="progress">How far it is</h2>
        {of.stage !== 'ready' && <span className="aside">Watching</span>}
      </header>
      <div className="panel-body" role="status" aria-live="polite">
        <ol className="steps">
          {stages.map((stage, i) => {
            const done = i <= at;
            const [before, after] = stageWords[stage];
            return (
              <li key={stage} data-done={done} data-tone={done ? 'good' : undefined} data-busy={i === at + 1}>
                <span className="dot">{done && <Icon name="check" size={12} />}</span>
                {done ? after : before}
              </li>
            );
          })}
        </ol>
        <p className="muted hint-line">
          {shut && of.stage === 'waiting' ? 'It waits for an address with TLS.' : `${sentence(of.hint)}.`}
        </p>
      </div>
      {of.stage !== 'waiting' && (
        <dl className="facts panel-body progress-facts">
          <div>
            <dt>Speaks</dt>
            <dd>{of.ocpp_version ? `OCPP ${of.ocpp_version}` : '–'}</dd>
          </div>
          <div>
            <dt>Is</dt>
            <dd>{[of.vendor, of.model].filter(Boolean).join(' ') || '–'}</dd>
          </div>
          <div>
            <dt>Firmware</dt>
            <dd className="mono">{of.firmware_version ?? '–'}</dd>
          </div>
          <div>
            <dt>Connectors</dt>
            <dd>{of.connectors > 0 ? plural(of.connectors, 'connector') : '–'}</dd>
          </div>
          <div>
            <dt>Last heard</dt>
            <dd>{of.online ? 'Connected' : seen === null ? '–' : `${age(now - seen)} ago`}</dd>
          </div>
        </dl>
      )}
      <div className="wizard-foot in-panel-foot">
        <Link
          to="/stations/$stationId"
          params={{ stationId: of.id }}
          className={of.stage === 'ready' ? 'btn btn-primary' : 'btn'}
          onClick={() => forgetPassword(of.id)}
        >
          Open the station
        </Link>
        <Link to="/onboarding" className="btn">
          Add another
        </Link>
      </div>
    </section>
  );
}

/** A station on its way: what to type in, and live how far it has come. */
export function FollowPage() {
  const { stationId } = route.useParams();
  const { data, error, refetch } = useQuery(onboardingQuery(stationId));
  const profile = useQuery(securityQuery(stationId)).data?.profile;
  return (
    <div className="page">
      <PageHead
        parent={{ to: '/stations', label: 'Stations' }}
        here={`Add ${stationId}`}
        title={data?.stage === 'ready' ? `${stationId} is here` : `Bring ${stationId} in`}
      />
      {error && !data ? (
        <section className="panel">
          <ErrorState error={error} retry={() => void refetch()} what={`Station ${stationId}`} />
        </section>
      ) : !data ? (
        <SkeletonBlock lines={8} />
      ) : (
        <>
          <WizardSteps at={data.stage === 'ready' ? 5 : data.stage === 'waiting' ? 3 : 4} />
          <div className="halves">
            <Settings of={data} profile={profile} />
            <Progress of={data} shut={isShut(data, profile)} />
          </div>
        </>
      )}
    </div>
  );
}
