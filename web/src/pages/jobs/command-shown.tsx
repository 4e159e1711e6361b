import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { commandQuery } from '@/api/ocpp';
import { Dialog } from '@/ui/dialog';
import { dateTime } from '@/ui/format';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { CommandOutcome } from '../commands/outcome';
import { finished } from '../commands/use-command';

const REFRESH_MS = 1_500;

/** The command that one station of many was given, with its answer. */
export function CommandShown({
  station,
  command,
  children,
  onClose,
}: {
  station: string;
  command: string;
  /** What else is to say of the station. */
  children?: ReactNode;
  onClose: () => void;
}) {
  const query = useQuery({
    ...commandQuery(command),
    refetchInterval: (q) => (q.state.data && finished(q.state.data) ? false : REFRESH_MS),
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={station}
      description={query.data ? `${query.data.action}, ${dateTime(query.data.requested_at)}.` : undefined}
      footer={
        <>
          <Link
            to="/stations/$stationId/$tab"
            params={{ stationId: station, tab: 'messages' }}
            className="btn"
          >
            Its messages
          </Link>
          <button type="button" className="btn btn-primary" onClick={onClose}>
            Done
          </button>
        </>
      }
    >
      {children}
      {query.error ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} what="Command" />
      ) : query.data ? (
        <CommandOutcome command={query.data} busy={!finished(query.data)} />
      ) : (
        <SkeletonBlock lines={3} />
      )}
    </Dialog>
  );
}
