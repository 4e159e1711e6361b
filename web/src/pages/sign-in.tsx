import { getRouteApi, useRouter } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { ApiError } from '@/api/client';
import { signIn, type Credentials } from '@/app/session';
import { noteSessionEnd, sessionHasEnded } from '@/app/session-end';
import { Icon, Mark } from '@/ui/icons';
import { Segments } from '@/ui/segments';
import './sign-in.css';

const route = getRouteApi('/sign-in');
type Way = 'key' | 'password';

/** The words for a refusal: the same for every wrong secret, so that nothing is learnt by guessing. */
function refusal(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.status === 0) return 'The server cannot be reached. Check the connection and try again.';
    if (error.status === 401 || error.status === 403) return 'These credentials are not accepted.';
    if (error.status === 429) return 'Too many attempts. Wait a minute and try again.';
    return error.message;
  }
  return 'Signing in failed.';
}

export function SignInPage() {
  const { next } = route.useSearch();
  const router = useRouter();
  const [way, setWay] = useState<Way>('key');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    const credentials: Credentials =
      way === 'key'
        ? { key: text('key') }
        : { tenant: text('tenant'), user: text('user'), password: String(form.get('password') ?? '') };
    setBusy(true);
    setProblem(null);
    try {
      await signIn(credentials);
      noteSessionEnd(false);
      await router.invalidate();
      await router.navigate({ href: next ?? '/', replace: true });
    } catch (error) {
      setProblem(refusal(error));
      setBusy(false);
    }
  };

  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <div className="sign-in-brand">
          <Mark size={30} />
          <span>Voltwin</span>
        </div>
        <h1>Sign in to the control room</h1>
        {sessionHasEnded() && (
          <p className="sign-in-note" role="status">
            Your session has ended. Sign in again to go on where you were.
          </p>
        )}
        <Segments<Way>
          label="Sign in with"
          value={way}
          onChange={(value) => {
            setWay(value);
            setProblem(null);
          }}
          options={[
            { value: 'key', label: 'Access key' },
            { value: 'password', label: 'User and password' },
          ]}
        />
        <form onSubmit={(e) => void submit(e)} aria-busy={busy}>
          {way === 'key' ? (
            <div className="field">
              <label htmlFor="key">Access key</label>
              <input
                id="key"
                name="key"
                className="input mono"
                type="password"
                autoComplete="current-password"
                required
                autoFocus
                aria-invalid={problem !== null}
                aria-describedby={problem ? 'problem' : undefined}
              />
            </div>
          ) : (
            <>
              <div className="field">
                <label htmlFor="tenant">Tenant</label>
                <input
                  id="tenant"
                  name="tenant"
                  className="input"
                  autoComplete="organization"
                  required
                  autoFocus
                />
              </div>
              <div className="field">
                <label htmlFor="user">User</label>
                <input id="user" name="user" className="input" autoComplete="username" required />
              </div>
              <div className="field">
                <label htmlFor="password">Password</label>
                <input
                  id="password"
                  name="password"
                  className="input"
                  type="password"
                  autoComplete="current-password"
                  required
                  aria-invalid={problem !== null}
                  aria-describedby={problem ? 'problem' : undefined}
                />
              </div>
            </>
          )}
          {problem && (
            <p id="problem" className="sign-in-problem" role="alert">
              <Icon name="warn" size={14} /> {problem}
            </p>
          )}
          <button type="submit" className="btn btn-primary" disabled={busy}>
            {busy ? 'Signing in…' : 'Sign in'}
          </button>
        </form>
        <details className="sign-in-help">
          <summary>How do I get a key?</summary>
          <p>
            An admin of your tenant gives you one. Who runs the server makes the first one there and is shown
            it once:
          </p>
          <code className="mono">voltwin admin key add --tenant NAME --role admin --data DIR</code>
        </details>
      </div>
    </main>
  );
}
