import { useMutation } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { readTokens, type TokenFilter } from '@/api/tokens';
import { count, plural, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { saveFile } from '@/ui/save-file';
import { toast } from '@/ui/toast';
import { writeCsv } from './csv';

/** Tokens of one file; more are no file that anybody opens. */
const TOKENS_MAX = 100_000;

/** Saves the tokens that the list shows as a file that can be imported again; pressed once more, it stops. */
export function ExportButton({ filter, disabled }: { filter: TokenFilter; disabled: boolean }) {
  const stop = useRef<AbortController | null>(null);
  const [read, setRead] = useState(0);
  const work = useMutation({
    mutationFn: () => {
      stop.current = new AbortController();
      setRead(0);
      return readTokens(filter, TOKENS_MAX, stop.current.signal, setRead);
    },
    onSuccess: ({ tokens, whole }) => {
      saveFile(writeCsv(tokens), 'id-tokens.csv', 'text/csv');
      if (whole) toast(`${plural(tokens.length, 'token')} saved`, { tone: 'good' });
      else
        toast(`The first ${plural(tokens.length, 'token')} saved`, {
          tone: 'warn',
          detail: 'A file holds no more; filter the list to get the others.',
        });
    },
    onError: (error) => {
      if (error.name !== 'AbortError')
        toast('The tokens could not be read', { tone: 'bad', detail: sentence(error.message) });
    },
  });
  return (
    <button
      type="button"
      className="btn"
      disabled={disabled && !work.isPending}
      onClick={() => (work.isPending ? stop.current?.abort() : work.mutate())}
    >
      <Icon name={work.isPending ? 'stop' : 'download'} size={14} />
      {work.isPending ? `Stop at ${count(read)}` : 'Export'}
    </button>
  );
}
