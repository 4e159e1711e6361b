import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useId, useState, type FormEvent } from 'react';
import { api, seg } from '@/api/client';
import type { Onboarding } from '@/api/desk';
import { claimsQuery, keys } from '@/api/queries';
import type { Claim, NewStation } from '@/api/types';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { EmptyState } from '@/ui/states';
import { toast } from '@/ui/toast';
import { keepPassword } from './password';
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

interface Wish {
  id: string;
  name: string;
  password: 'knocked' | 'draw' | 'own' | null;
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
      <header className="page-head">
        <div className="titles">
          <nav className="crumb" aria-label="Breadcrumb">
            <Link to="/stations">Stations</Link>
            <Icon name="chevronRight" size={10} />
            <span aria-current="page">Add</span>
          </nav>
          <h1>Add a station</h1>
        </div>
      </header>
      <WizardSteps at={step} />
      <form className="panel wizard" onSubmit={submit}>
        {step === 1 ? (
          <>
            <div className="field">
              <label htmlFor={`${base}-id`}>Identity</label>
              <input
                id={`${base}-id`}
                className="input mono"
                required
                maxLength={48}
                pattern="\S+"
                autoComplete="off"
                autoFocus
                value={wish.id}
                onChange={(e) => change({ id: e.target.value })}
              />
              <span className="hint">
                What the station puts at the end of its OCPP address. It often stands on its type plate.
              </span>
            </div>
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
            <div className="field">
              <label htmlFor={`${base}-name`}>Name, if any</label>
              <input
                id={`${base}-name`}
                className="input"
                maxLength={200}
                autoComplete="off"
                value={wish.name}
                onChange={(e) => change({ name: e.target.value })}
              />
              <span className="hint">What people call it.</span>
            </div>
            <div className="pair">
              <div className="field">
                <label htmlFor={`${base}-lat`}>Latitude, if known</label>
                <input
                  id={`${base}-lat`}
                  className="input"
                  type="number"
                  min={-90}
                  max={90}
                  step="any"
                  required={wish.lon !== ''}
                  value={wish.lat}
                  onChange={(e) => change({ lat: e.target.value })}
                />
              </div>
              <div className="field">
                <label htmlFor={`${base}-lon`}>Longitude, if known</label>
                <input
                  id={`${base}-lon`}
                  className="input"
                  type="number"
                  min={-180}
                  max={180}
                  step="any"
                  required={wish.lat !== ''}
                  value={wish.lon}
                  onChange={(e) => change({ lon: e.target.value })}
                />
              </div>
            </div>
          </>
        ) : (
          <>
            <fieldset className="choices">
              <legend>How it proves who it is</legend>
              {profiles.map((p) => (
                <label key={p.value} className="choice">
                  <input
                    type="radio"
                    name="profile"
                    checked={wish.profile === p.value}
                    onChange={() => change({ profile: p.value })}
                  />
                  <span>
                    {p.label}
                    <span className="sub">{p.text}</span>
                  </span>
                </label>
              ))}
            </fieldset>
            <fieldset className="choices">
              <legend>Its password</legend>
              {claim?.has_password && (
                <label className="choice">
                  <input
                    type="radio"
                    name="password"
                    checked={choice === 'knocked'}
                    onChange={() => change({ password: 'knocked' })}
                  />
                  <span>
                    The one that it knocked with
                    <span className="sub">
                      It came from {claim.address}. Take it only if you expect it there.
                    </span>
                  </span>
                </label>
              )}
              <label className="choice">
                <input
                  type="radio"
                  name="password"
                  checked={choice === 'draw'}
                  onChange={() => change({ password: 'draw' })}
                />
                <span>
                  Draw one
                  <span className="sub">Shown once on the next page, to be typed into the station.</span>
                </span>
              </label>
              <label className="choice">
                <input
                  type="radio"
                  name="password"
                  checked={choice === 'own'}
                  onChange={() => change({ password: 'own' })}
                />
                <span>
                  It has one already
                  <span className="sub">16 to 64 characters, as it is set in the station.</span>
                </span>
              </label>
              {choice === 'own' && (
                <div className="field">
                  <label htmlFor={`${base}-password`}>Password</label>
                  <input
                    id={`${base}-password`}
                    className="input mono"
                    type="password"
                    required
                    minLength={16}
                    maxLength={64}
                    autoComplete="new-password"
                    value={wish.secret}
                    onChange={(e) => change({ secret: e.target.value })}
                  />
                </div>
              )}
            </fieldset>
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
