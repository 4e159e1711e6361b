import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { api } from '@/api/client';
import {
  tokenPath,
  tokenQuery,
  tokensKey,
  type IdToken,
  type IdTokenStatus,
  type IdTokenWithUses,
} from '@/api/tokens';
import { Dialog } from '@/ui/dialog';
import { age, dateTime, instant, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { toast } from '@/ui/toast';
import { useNow } from '@/ui/use-now';
import { bodyOf, standing, statusWords, toneOf } from './logic';

/** What a token is good for now. */
export function TokenTag({ token }: { token: IdToken }) {
  const status = standing(token, useNow());
  return (
    <span className="tag" data-tone={toneOf(status)}>
      {status === token.status ? statusWords[status] : 'Run out'}
    </span>
  );
}

function Uses({ token }: { token: IdTokenWithUses }) {
  return (
    <section aria-label="In use">
      <h3 className="token-title">In use</h3>
      {token.uses.length === 0 ? (
        <p className="muted">Nobody charges on it now.</p>
      ) : (
        <ul className="token-uses">
          {token.uses.map((use) => (
            <li key={`${use.station} ${use.transaction_id}`}>
              <Link to="/stations/$stationId" params={{ stationId: use.station }} className="link">
                {use.station}
              </Link>
              <span className="faint">
                {use.evse == null ? '' : `EVSE ${use.evse}, `}transaction {use.transaction_id}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Facts({ token }: { token: IdTokenWithUses }) {
  const now = useNow();
  const until = instant(token.expires_at);
  const rows: [string, ReactNode][] = [
    ['Kind', token.type || 'Not said'],
    [
      'Good until',
      until === null ? (
        'For good'
      ) : (
        <>
          {dateTime(token.expires_at, true)},{' '}
          {until > now ? `for ${age(until - now)}` : `${age(now - until)} ago`}
        </>
      ),
    ],
    [
      'Parent',
      token.parent ? (
        <Link to="/id-tokens" search={{ parent: token.parent }} className="link mono">
          {token.parent}
        </Link>
      ) : (
        'None'
      ),
    ],
    ['Price group', token.group ?? 'None'],
    ['At several places at once', token.concurrent_allowed ? 'Yes' : 'No'],
    ['Language', token.language ?? 'Not said'],
    [
      'Vehicle',
      token.vehicle ? (
        <Link to="/vehicles/$vehicleId" params={{ vehicleId: token.vehicle }} className="link mono">
          {token.vehicle}
        </Link>
      ) : (
        'None'
      ),
    ],
    ['Good at', token.only_at.length === 0 ? 'Every station' : token.only_at.join(', ')],
    ['Changed', `${dateTime(token.changed_at)}, by ${token.changed_by}`],
  ];
  return (
    <dl className="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** One token over the list: its terms, where it is in use, and what can be done with it. */
export function TokenDialog({
  id,
  allowed,
  onEdit,
  onClose,
}: {
  id: string;
  allowed: boolean;
  onEdit: (token: IdToken) => void;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const { data: token, error, refetch } = useQuery(tokenQuery(id));
  const [removing, setRemoving] = useState(false);
  const refresh = () => client.invalidateQueries({ queryKey: tokensKey });
  const judge = useMutation({
    mutationFn: ({ of, status }: { of: IdToken; status: IdTokenStatus }) =>
      api.put<IdToken>(tokenPath(of.id_token), bodyOf(of, { status })),
    onSuccess: (saved) =>
      toast(saved.status === 'blocked' ? `${saved.id_token} is blocked` : `${saved.id_token} may charge`, {
        tone: saved.status === 'blocked' ? 'warn' : 'good',
      }),
    onError: (e) => toast('It was not changed', { tone: 'bad', detail: sentence(e.message) }),
    onSettled: refresh,
  });
  const remove = useMutation({
    mutationFn: () => api.delete<void>(tokenPath(id)),
    onSuccess: () => {
      toast(`${id} removed`, { tone: 'good' });
      onClose();
      client.removeQueries({ queryKey: tokenQuery(id).queryKey });
      void refresh();
    },
    onError: (e) => toast('It was not removed', { tone: 'bad', detail: sentence(e.message) }),
  });
  const busy = judge.isPending || remove.isPending;
  const blocked = token?.status === 'blocked';
  const footer = removing ? (
    <>
      <button type="button" className="btn" onClick={() => setRemoving(false)} autoFocus>
        Keep it
      </button>
      <button type="button" className="btn btn-danger" disabled={busy} onClick={() => remove.mutate()}>
        Remove it
      </button>
    </>
  ) : (
    <>
      {allowed && token && (
        <span className="token-acts">
          <button type="button" className="btn btn-ghost" disabled={busy} onClick={() => setRemoving(true)}>
            Remove…
          </button>
          <button
            type="button"
            className="btn"
            disabled={busy}
            onClick={() => judge.mutate({ of: token, status: blocked ? 'accepted' : 'blocked' })}
          >
            {blocked ? 'Let it charge' : 'Block'}
          </button>
          <button type="button" className="btn" onClick={() => onEdit(token)}>
            <Icon name="edit" size={13} /> Change
          </button>
        </span>
      )}
      <button type="button" className="btn btn-primary" onClick={onClose}>
        Done
      </button>
    </>
  );
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={id}
      description={token?.note || undefined}
      footer={footer}
    >
      {error && !token ? (
        <ErrorState error={error} retry={() => void refetch()} what={`Token ${id}`} />
      ) : !token ? (
        <SkeletonBlock lines={5} />
      ) : removing ? (
        <p>
          From then on nobody knows it, and what holds for unknown tokens holds for it.
          {token.uses.length > 0 &&
            ` ${plural(token.uses.length, 'transaction')} on it ${token.uses.length === 1 ? 'goes' : 'go'} on.`}{' '}
          To bar it for good, block it instead.
        </p>
      ) : (
        <>
          <p>
            <TokenTag token={token} />
          </p>
          <Facts token={token} />
          <Uses token={token} />
          <Link to="/transactions" search={{ q: token.id_token }} className="link">
            Its transactions
          </Link>
        </>
      )}
    </Dialog>
  );
}
