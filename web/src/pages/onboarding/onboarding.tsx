import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useId, useState, type FormEvent } from 'react';
import { api, seg } from '@/api/client';
import type { Onboarding } from '@/api/desk';
import { claimsQuery, keys } from '@/api/queries';
import type { Claim, NewStation } from '@/api/types';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { PageHead } from '@/app/page-head';
import { useSession } from '@/app/use-session';
import { Choice, Choices, Field } from '@/ui/field';
import { sentence } from '@/ui/format';
import { EmptyState } from '@/ui/states';
import { toast } from '@/ui/toast';
import { keepPassword } from './password';
import { needsTls } from './reach';
import { WizardSteps } from './steps';
import './onboarding.css';

const route = getRouteApi('/shell/onboarding');

const profiles: readonly { value: number; label: string; text: string }[] = [
  { value: 1, label: 'A password', text: 'Profile 1. For a private network, or where a proxy adds TLS.' },
  { value: 2, label: 'A password, over TLS', text: 'Profile 2. For stations that come over the internet.' },
  {
    value: 3,
    label: 'A certificate of its own',
    text: 'Profile 3. It comes with a password first; then ask it for a certificate and raise its profile on its page.',
  },
];

type PasswordBy = 'knocked' | 'draw' | 'own';

const passwords: readonly { value: PasswordBy; label: string; text: (address: string) => string }[] = [
  {
    value: 'knocked',
    label: 'The one that it knocked with',
    text: (address) => `It came from ${address}. Take it only if you expect it there.`,
  },
  {
    value: 'draw',
    label: 'Draw one',
    text: () => 'Shown once on the next page, to be typed into the station.',
  },
  {
    value: 'own',
    label: 'It has one already',
    text: () => '16 to 64 characters, as it is set in the station.',
  },
];

interface Wish {
  id: string;
  name: string;
  password: PasswordBy | null;
  secret: string;
  profile: number;
  lat: string;
  lon: string;
}

interface Made {
  id: string;
  password: string | null;
}

/** Registers the station; what comes after is followed on a page of its own, which may be left and opened again. */
async function begin(wish: Wish, claim: Claim | undefined): Promise<Made> {
  const place =
    wish.lat !== '' && wish.lon !== '' ? { lat_deg: Number(wish.lat), lon_deg: Number(wish.lon) } : null;
  const name = wish.name ? { name: wish.name } : {};
  let made: Made;
  if (wish.password === 'knocked' && claim) {
    // Only accepting the claim itself keeps the password that the station came with.
    const station = await api.post<NewStation>(`/claims/${seg(claim.id)}/accept`, name);
    if (place) await api.patch(`/twins/${seg(station.id)}`, { properties: place });
    made = { id: station.id, password: station.password };
  } else {
    const own = wish.password === 'own' ? { password: wish.secret } : {};
    const begun = await api.post<Onboarding>('/onboarding', { id: wish.id, ...name, ...own, ...place });
    made = { id: begun.id, password: begun.password ?? null };
  }
  // A station cannot have its certificate before it came once, so profile 3 is raised on its own page.
  if (wish.profile === 2) await api.put(`/stations/${seg(made.id)}/security`, { profile: 2 });
  return made;
}

function Degrees({
  label,
  most,
  required,
  value,
  onChange,
}: {
  label: string;
  most: number;
  required: boolean;
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <Field label={label}>
      {(field) => (
        <input
          {...field}
          className="input"
          type="number"
          min={-most}
          max={most}
          step="any"
          required={required}
          value={value}
          onChange={(e) => onChange(e.target.value)}
        />
      )}
    </Field>
  );
}

/** Identity and credentials: the two things that a station needs before it may come. */
export function OnboardingPage() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const client = useQueryClient();
  const session = useSession();
  const base = useId();
  const claims = useList(claimsQuery);
  const [step, setStep] = useState<1 | 2>(1);
  const [wish, setWish] = useState<Wish>({
    id: search.q ?? '',
    name: '',
    password: null,
    secret: '',
    profile: 1,
    lat: '',
    lon: '',
  });
  const change = (more: Partial<Wish>) => setWish({ ...wish, ...more });
  const claim = claims.rows?.find((c) => c.station === wish.id.trim());
  const choice = wish.password ?? (claim?.has_password ? 'knocked' : 'draw');
  const register = useMutation({
    mutationFn: () => begin({ ...wish, password: choice, id: wish.id.trim(), name: wish.name.trim() }, claim),
    onSuccess: (made) => {
      keepPassword(made.id, made.password);
      toast(`${made.id} may come`, { tone: 'good' });
      void client.invalidateQueries({ queryKey: keys.stations });
      void client.invalidateQueries({ queryKey: keys.claims });
      void navigate({ to: '/onboarding/$stationId', params: { stationId: made.id }, replace: true });
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (step === 1) setStep(2);
    else register.mutate();
  };
  if (session && !may(session.role, 'admin')) {
    return (
      <div className="page">
        <h1>Add a station</h1>
        <section className="panel">
          <EmptyState icon="key" title="For administrators">
            Who may add stations decides what is let in.
          </EmptyState>
        </section>
      </div>
    );
  }
  return (
    <div className="page page-narrow">
      <PageHead parent={{ to: '/stations', label: 'Stations' }} here="Add" title="Add a station" />
      <WizardSteps at={step} />
      <form className="panel wizard" onSubmit={submit}>
        {step === 1 ? (
          <>
            <Field
              label="Identity"
              hint="What the station puts at the end of its OCPP address. It often stands on its type plate."
            >
              {(field) => (
                <input
                  {...field}
                  className="input mono"
                  required
                  maxLength={48}
                  pattern="\S+"
                  autoComplete="off"
                  autoFocus
                  value={wish.id}
                  onChange={(e) => change({ id: e.target.value })}
                />
              )}
            </Field>
            {claims.rows && claims.rows.length > 0 && (
              <div className="field">
                <span className="label" id={`${base}-claims`}>
                  These have knocked
                </span>
                <div className="chips" role="group" aria-labelledby={`${base}-claims`}>
                  {claims.rows.slice(0, 8).map((c) => (
                    <button
                      key={c.id}
                      type="button"
                      className="btn btn-sm mono"
                      aria-pressed={c.station === wish.id}
                      onClick={() => change({ id: c.station })}
                    >
                      {c.station}
                    </button>
                  ))}
                </div>
              </div>
            )}
            <Field label="Name, if any" hint="What people call it.">
              {(field) => (
                <input
                  {...field}
                  className="input"
                  maxLength={200}
                  autoComplete="off"
                  value={wish.name}
                  onChange={(e) => change({ name: e.target.value })}
                />
              )}
            </Field>
            <div className="pair">
              <Degrees
                label="Latitude, if known"
                most={90}
                required={wish.lon !== ''}
                value={wish.lat}
                onChange={(lat) => change({ lat })}
              />
              <Degrees
                label="Longitude, if known"
                most={180}
                required={wish.lat !== ''}
                value={wish.lon}
                onChange={(lon) => change({ lon })}
              />
            </div>
          </>
        ) : (
          <>
            <Choices legend="How it proves who it is">
              {profiles.map((p) => (
                <Choice
                  key={p.value}
                  name="profile"
                  label={p.label}
                  text={p.text}
                  checked={wish.profile === p.value}
                  onChoose={() => change({ profile: p.value })}
                />
              ))}
            </Choices>
            {needsTls(wish.profile) && location.protocol !== 'https:' && (
              <div className="outcome" data-tone="warn" role="status">
                <p>
                  You opened this page without TLS. A station of this profile may come by <code>wss://</code>{' '}
                  alone: the next page tells how to get such an address.
                </p>
              </div>
            )}
            <Choices legend="Its password">
              {passwords
                .filter((p) => p.value !== 'knocked' || claim?.has_password)
                .map((p) => (
                  <Choice
                    key={p.value}
                    name="password"
                    label={p.label}
                    text={p.text(claim?.address ?? '')}
                    checked={choice === p.value}
                    onChoose={() => change({ password: p.value })}
                  />
                ))}
              {choice === 'own' && (
                <Field label="Password">
                  {(field) => (
                    <input
                      {...field}
                      className="input mono"
                      type="password"
                      required
                      minLength={16}
                      maxLength={64}
                      autoComplete="new-password"
                      value={wish.secret}
                      onChange={(e) => change({ secret: e.target.value })}
                    />
                  )}
                </Field>
              )}
            </Choices>
          </>
        )}
        {register.error && (
          <p className="outcome" data-tone="bad" role="alert">
            {sentence(register.error.message)}
          </p>
        )}
        <div className="wizard-foot">
          {step === 2 && (
            <button type="button" className="btn" onClick={() => setStep(1)}>
              Back
            </button>
          )}
          <button type="submit" className="btn btn-primary" disabled={register.isPending}>
            {step === 1 ? 'Next: credentials' : register.isPending ? 'Registering…' : 'Register the station'}
          </button>
        </div>
      </form>
    </div>
  );
}
