import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api, seg } from '@/api/client';
import { claimsQuery, keys } from '@/api/queries';
import type { Claim } from '@/api/types';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { useSession } from '@/app/use-session';
import { age, instant } from '@/ui/format';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { toast } from '@/ui/toast';
import { useNow } from '@/ui/use-now';

function Ago({ at }: { at: string }) {
  const now = useNow();
  const ms = instant(at);
  return <span className="num">{ms === null ? '–' : `${age(now - ms)} ago`}</span>;
}

export function ClaimsPage() {
  const client = useQueryClient();
  const session = useSession();
  const canManage = may(session?.role, 'admin');
  const { rows, error, retry } = useList(claimsQuery, 10_000);
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
            <Link
              to="/onboarding"
              search={{ q: c.station }}
              className="btn btn-sm"
              aria-label={`Accept ${c.station}`}
            >
              Accept
            </Link>
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
    </div>
  );
}
