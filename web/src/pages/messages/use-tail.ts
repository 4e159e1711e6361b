import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { messagesKey, readMessages, type MessageFilter } from '@/api/ocpp';
import { newer, withHead, withOlder, type Tail } from './tail';

const PAGE = 200;
const TAIL_MS = 2_000;

export interface MessageTail {
  tail: Tail | null;
  error: unknown;
  retry: () => void;
  /** Messages that came since the log was paused. */
  waiting: { n: number; more: boolean } | null;
  older: (() => void) | null;
  loadingOlder: boolean;
  olderError: unknown;
}

interface Held {
  key: string;
  tail: Tail | null;
  /** Number of the newest message that was taken in. */
  seen: unknown;
}

/** The log as it grows, under a filter. While `paused`, what is on screen stays, and what comes is only counted. */
export function useMessageTail(filter: MessageFilter, paused: boolean): MessageTail {
  const key = JSON.stringify(filter);
  const head = useQuery({
    queryKey: [...messagesKey, 'head', filter] as const,
    queryFn: ({ signal }) => readMessages(filter, PAGE, null, signal),
    // A span of time that has ended gets nothing new.
    refetchInterval: () => (filter.to && Date.parse(filter.to) < Date.now() ? false : TAIL_MS),
    staleTime: 0,
    gcTime: 0,
  });
  const [held, setHeld] = useState<Held>({ key, tail: null, seen: null });
  const [older, setOlder] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null });
  // Taken over while drawing, so that no frame shows the rows of another filter.
  if (held.key !== key) {
    setHeld({ key, tail: null, seen: null });
  } else if (head.data && held.seen !== head.data && !(paused && held.tail)) {
    setHeld({ key, tail: withHead(held.tail, head.data), seen: head.data });
  }
  const tail = held.key === key ? held.tail : null;
  const readOlder = async () => {
    if (!tail?.next) return;
    setOlder({ busy: true, error: null });
    try {
      const page = await readMessages(filter, PAGE, tail.next);
      setHeld((now) => (now.key === key && now.tail ? { ...now, tail: withOlder(now.tail, page) } : now));
      setOlder({ busy: false, error: null });
    } catch (error) {
      setOlder({ busy: false, error });
    }
  };
  return {
    tail,
    error: tail ? null : head.error,
    retry: () => void head.refetch(),
    waiting: paused && tail && head.data ? newer(tail, head.data) : null,
    older: tail?.next ? () => void readOlder() : null,
    loadingOlder: older.busy,
    olderError: older.error,
  };
}
