import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, ApiError, seg } from '@/api/client';
import { keys } from '@/api/queries';
import type { Command } from '@/api/types';
import { onLiveEvent } from '@/live';
import { instant } from '@/ui/format';

/** How long the server waits for the station before it answers. */
export const WAIT_S = 30;

/** The clock of the server and this one may differ by as much. */
const CLOCKS_MS = 60_000;

/** What is asked: neutral words, or an OCPP action of the station's version with its payload. */
export type CommandBody =
  | ({ command: 'remote_start' | 'remote_stop' | 'reset' | 'trigger' } & Record<string, unknown>)
  | { action: string; payload: unknown };

const progress: Record<Command['state'], number> = {
  requested: 0,
  sent: 1,
  accepted: 2,
  rejected: 2,
  failed: 2,
};

export const finished = (command: Command | null) => command !== null && progress[command.state] === 2;

/** Of two sights of one command the one that knows more. */
export function further(a: Command | null, b: Command | null): Command | null {
  if (!a || !b) return a ?? b;
  return progress[b.state] > progress[a.state] ? b : a;
}

export interface Sending {
  send: (body: CommandBody) => void;
  reset: () => void;
  idle: boolean;
  /** The command as far as it is known. */
  command: Command | null;
  /** Somebody is still to say something: the server, or the station. */
  waiting: boolean;
  /** The wait is over, the command is not. */
  overdue: boolean;
  problem: ApiError | null;
}

/** Gives commands to a station. The call waits for the answer; the stream shows the steps between. */
export function useCommand(station: string): Sending {
  const client = useQueryClient();
  const [streamed, setStreamed] = useState<Command | null>(null);
  const [since, setSince] = useState<number | null>(null);
  const { mutate, reset, data, error, isIdle, isPending } = useMutation({
    mutationFn: (body: CommandBody) =>
      api.post<Command>(`/stations/${seg(station)}/commands`, body, { params: { wait_s: WAIT_S } }),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.commands });
      void client.invalidateQueries({ queryKey: keys.transactions });
      void client.invalidateQueries({ queryKey: [...keys.stations, 'one', station] });
    },
  });

  useEffect(() => {
    if (since === null) return;
    return onLiveEvent('command', (command) => {
      // Until the call answers, the newest command of this station since the click is taken for ours; the call's own
      // answer then names it.
      const at = instant(command.requested_at) ?? 0;
      if (command.station !== station || at < since - CLOCKS_MS) return;
      setStreamed((before) => (before && (instant(before.requested_at) ?? 0) > at ? before : command));
    });
  }, [since, station]);

  const own = data ?? null;
  const command =
    own === null ? (isPending ? streamed : null) : further(own, streamed?.id === own.id ? streamed : null);
  const open = own !== null && !finished(command);
  return {
    send: (body) => {
      setSince(Date.now());
      setStreamed(null);
      mutate(body);
    },
    reset,
    idle: isIdle,
    command,
    waiting: isPending || open,
    overdue: open,
    problem: error instanceof ApiError ? error : null,
  };
}
