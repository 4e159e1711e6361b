import { create } from 'zustand';
import { atSessionEnd } from '@/app/session';
import { presets } from '@/swap/presets';
import { withValue, type Scenario } from '@/swap/scenario';

interface PlanDraft {
  scenario: Scenario;
  /** Where it began: what "Undo changes" goes back to. */
  begun: Scenario;
  /** Fields in which something stands that is no number. */
  unread: ReadonlySet<string>;
  /** Grows when another scenario takes the place of the one in hand, so that its fields are made anew. */
  generation: number;
  set: (path: string, value: unknown) => void;
  mark: (path: string, bad: boolean) => void;
  begin: (scenario: Scenario) => void;
}

const first = presets[0]?.scenario as Scenario;

/** What is being planned outlives a look at another page; it is gone with the session or the window. */
export const usePlanDraft = create<PlanDraft>((set) => ({
  scenario: first,
  begun: first,
  unread: new Set(),
  generation: 0,
  set: (path, value) => set((s) => ({ scenario: withValue(s.scenario, path, value) })),
  mark: (path, bad) =>
    set((s) => {
      if (s.unread.has(path) === bad) return s;
      const unread = new Set(s.unread);
      if (bad) unread.add(path);
      else unread.delete(path);
      return { unread };
    }),
  begin: (scenario) =>
    set((s) => ({ scenario, begun: scenario, unread: new Set(), generation: s.generation + 1 })),
}));

atSessionEnd(() => usePlanDraft.getState().begin(first));
