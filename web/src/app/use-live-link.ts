import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { api } from '@/api/client';
import { keys } from '@/api/queries';
import { live, useLiveEvent } from '@/live';

/** Lists are read again at most this often, however many events arrive. */
const QUIET_MS = 1_000;

/**
 * The life of the live link in the signed-in shell, and its effect on what was read over REST: an alarm, command or
 * transaction that changed makes the lists that show it old.
 */
export function useLiveLink(): void {
  const client = useQueryClient();
  useEffect(() => {
    live.start();
    // A browser does not tell a page why a stream was refused. The API does: a session that is gone ends here.
    let asked = 0;
    const stop = live.onLink(() => {
      const { attempt } = live.link;
      if (attempt === asked) return;
      asked = attempt;
      if (attempt > 0) void api.get('/overview').catch(() => undefined);
    });
    return () => {
      stop();
      live.stop();
    };
  }, []);

  const refresh = (noun: readonly string[]) => {
    const due = timers.get(noun[0] ?? '');
    if (due !== undefined) return;
    timers.set(
      noun[0] ?? '',
      setTimeout(() => {
        timers.delete(noun[0] ?? '');
        void client.invalidateQueries({ queryKey: noun });
      }, QUIET_MS),
    );
  };
  useLiveEvent('alarm', () => refresh(keys.alarms));
  useLiveEvent('command', () => refresh(keys.commands));
  useLiveEvent('transaction', () => refresh(keys.transactions));
}

const timers = new Map<string, ReturnType<typeof setTimeout>>();
