import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, seg } from '@/api/client';
import { claimsQuery, keys } from '@/api/queries';
import type { Claim, NewStation } from '@/api/types';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { age, instant } from '@/ui/format';
import { Dialog } from '@/ui/dialog';
import { Secret } from '@/ui/secret';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { toast } from '@/ui/toast';
import { useNow } from '@/ui/use-now';

function Ago({ at }: { at: string }) {
  const now = useNow();
  const ms = instant(at);
  return <span className="num">{ms === null ? '–' : `${age(now - ms)} ago`}</span>;
}

function AcceptDialog({ claim, onClose }: { claim: Claim; onClose: () => void }) {
  const client = useQueryClient();
  const accept = useMutation({
    mutationFn: (name: string) =>
      api.post<NewStation>(`/claims/${seg(claim.id)}/accept`, name ? { name } : {}),
    onSuccess: (station) => {
      toast(`${claim.station} is accepted`, { tone: 'good', detail: 'It is let in at its next attempt.' });
      void client.invalidateQueries({ queryKey: keys.claims });
      void client.invalidateQueries({ queryKey: keys.stations });
      if (!station?.password) onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    accept.mutate(String(new FormData(event.currentTarget).get('name') ?? '').trim());
  };
  if (accept.data?.password) {
    return (
      <Dialog
        open
        onOpenChange={(open) => !open && onClose()}
        title={`${claim.station} is accepted`}
        description="It offered no password, so one was made for it."
        footer={
          <button type="button" className="btn btn-primary" onClick={onClose}>
            Done
          </button>
        }
      >
        <Secret value={accept.data.password} label="Password" />
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Accept ${claim.station}`}
      description={
        claim.has_password
          ? `It knocked from ${claim.address} with a password, which will be its password from now on.`
          : `It knocked from ${claim.address} without a password. Accept it only if you expect it there.`
      }
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" form="accept-claim" className="btn btn-primary" disabled={accept.isPending}>
            Accept
          </button>
        </>
      }
    >
      <form id="accept-claim" onSubmit={submit}>
        <div className="field">
          <label htmlFor="claim-name">Name, if any</label>
          <input id="claim-name" name="name" className="input" maxLength={120} autoComplete="off" autoFocus />
          <span className="hint">What people will call it. The identity stays {claim.station}.</span>
          {accept.error && (
            <span className="problem" role="alert">
              {accept.error.message}
            </span>
          )}
        </div>
      </form>
    </Dialog>
  );
}

export function ClaimsPage() {
  const client = useQueryClient();
  const session = useSession();
  const canManage = may(session?.role, 'admin');
  const { rows, error, retry } = useList(claimsQuery, 10_000);
  const [accepting, setAccepting] = useState<Claim | null>(null);
  const dismiss = useMutation({
    mutationFn: (claim: Claim) => api.delete<void>(`/claims/${seg(claim.id)}`),
    onSuccess: (_, claim) =>
      toast(`${claim.station} is dismissed`, { detail: 'It appears again if it goes on knocking.' }),
    onError: (e) => toast('The claim was not dismissed', { tone: 'bad', detail: e.message }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.claims }),
  });
  const columns: readonly Column<Claim>[] = [
    { key: 'station', label: 'Station', sort: (c) => c.station, cell: (c) => <strong>{c.station}</strong> },
    {
      key: 'address',
      label: 'From',
      wide: true,
      sort: (c) => c.address,
      cell: (c) => <span className="mono muted">{c.address}</span>,
    },
    {
      key: 'protocol',
      label: 'Protocol',
      wide: true,
      sort: (c) => c.protocol,
      cell: (c) => <span className="tag">{c.protocol ?? 'not said'}</span>,
    },
    {
      key: 'password',
      label: 'Password',
      wide: true,
      sort: (c) => Number(c.has_password),
      cell: (c) =>
        c.has_password ? (
          'Offered'
        ) : (
          <span className="tag" data-tone="warn">
            None
          </span>
        ),
    },
    {
      key: 'attempts',
      label: 'Attempts',
      align: 'right',
      wide: true,
      sort: (c) => c.attempts,
      cell: (c) => c.attempts,
    },
    {
      key: 'last',
      label: 'Last attempt',
      sort: (c) => instant(c.last_seen),
      cell: (c) => <Ago at={c.last_seen} />,
    },
    {
      key: 'act',
      label: 'Action',
      align: 'right',
      cell: (c) =>
        canManage && (
          <span style={{ display: 'inline-flex', gap: '0.5rem' }}>
            <button
              type="button"
              className="btn btn-ghost btn-sm"
              aria-label={`Dismiss ${c.station}`}
              onClick={() => dismiss.mutate(c)}
            >
              Dismiss
            </button>
            <button
              type="button"
              className="btn btn-sm"
              aria-label={`Accept ${c.station}`}
              onClick={() => setAccepting(c)}
            >
              Accept
            </button>
          </span>
        ),
    },
  ];
  return (
    <div className="page page-fill">
      <header className="page-head">
        <div className="titles">
          <h1>Claims</h1>
          <p>Stations that tried to connect with an identity nobody has registered.</p>
        </div>
      </header>
      <section className="panel" aria-label="Claims">
        {error ? (
          <ErrorState error={error} retry={retry} what="Claims" />
        ) : (
          <DataTable
            caption="Stations waiting to be accepted"
            columns={columns}
            rows={rows}
            rowKey={(c) => c.id}
            initialSort={{ key: 'last', dir: 'desc' }}
            empty={
              <EmptyState icon="claims" title="Nobody is waiting">
                A station that connects with an unknown identity appears here.
              </EmptyState>
            }
          />
        )}
      </section>
      {accepting && <AcceptDialog claim={accepting} onClose={() => setAccepting(null)} />}
    </div>
  );
}
