import { isOpen, jobWord } from './logic';

export function JobState({ state }: { state: string }) {
  const tone =
    state === 'done' ? 'good' : state === 'interrupted' ? 'bad' : state === 'cancelled' ? 'warn' : undefined;
  return (
    <span className="tag" data-tone={tone} data-busy={isOpen(state)}>
      {jobWord(state)}
    </span>
  );
}
