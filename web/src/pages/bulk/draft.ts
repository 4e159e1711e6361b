import { create } from 'zustand';
import type { BulkRequest } from '@/api/ocpp';
import { atSessionEnd } from '@/app/session';
import type { Draft } from '../commands/payload-editor';
import { draftOf, emptyFilter, type FilterDraft } from '../jobs/filter';
import { isPlain } from '@/ocpp-form/schema';

export type Mode = 'reset' | 'trigger' | 'action';

/** A bulk command that is being written. It outlives a look at another page. */
export interface BulkDraft {
  filter: FilterDraft;
  mode: Mode;
  immediate: boolean;
  message: string;
  action: string | null;
  /** What was filled in, by version and action. */
  payloads: Readonly<Record<string, Draft>>;
  /** Version whose actions are offered, where the stations speak several. */
  version: string | null;
  concurrency: number;
}

export const messages = [
  'StatusNotification',
  'Heartbeat',
  'MeterValues',
  'BootNotification',
  'FirmwareStatusNotification',
] as const;

const fresh: BulkDraft = {
  filter: emptyFilter,
  mode: 'action',
  immediate: false,
  message: 'StatusNotification',
  action: null,
  payloads: {},
  version: null,
  concurrency: 16,
};

interface Store {
  draft: BulkDraft;
  change: (change: Partial<BulkDraft>) => void;
  clear: () => void;
}

export const useBulkDraft = create<Store>((set) => ({
  draft: fresh,
  change: (change) => set((s) => ({ draft: { ...s.draft, ...change } })),
  clear: () => set({ draft: fresh }),
}));

atSessionEnd(() => useBulkDraft.setState({ draft: fresh }));

export function payloadKey(version: string, action: string): string {
  return `${version} ${action}`;
}

/** Begins a draft with what was asked before, of the stations that are named. */
export function repeat(request: BulkRequest, stations: readonly string[] | null): void {
  const filter = stations ? draftOf({ stations: [...stations] }) : draftOf(request.filter);
  const draft: BulkDraft = { ...fresh, filter, concurrency: request.concurrency ?? fresh.concurrency };
  if (request.action) {
    draft.mode = 'action';
    draft.action = request.action;
    const value = isPlain(request.payload) ? request.payload : {};
    // The form is that of whichever version the stations speak.
    draft.payloads = Object.fromEntries(
      ['1.6', '2.0.1', '2.1'].map((version) => [
        payloadKey(version, request.action ?? ''),
        { value: structuredClone(value), broken: null, strict: false },
      ]),
    );
  } else if (request.command === 'trigger') {
    draft.mode = 'trigger';
    draft.message = String(request.message ?? fresh.message);
  } else {
    draft.mode = 'reset';
    draft.immediate = request.immediate === true;
  }
  useBulkDraft.setState({ draft });
}
