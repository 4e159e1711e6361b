export interface StateOf {
  id: string;
  word: string;
  tone: 'good' | 'warn' | 'bad' | 'plain' | 'busy';
}

/** A state by its id; one that this page does not know yet is shown as it is called. */
export function stateIn(states: readonly StateOf[], id: string): StateOf {
  return states.find((s) => s.id === id) ?? { id, word: id, tone: 'plain' };
}
