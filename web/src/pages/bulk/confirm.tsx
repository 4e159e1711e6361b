import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, ApiError } from '@/api/client';
import { bulkKey, type BulkCommand, type BulkFilter } from '@/api/ocpp';
import { careful } from '@/ocpp-form/catalogue';
import { Dialog } from '@/ui/dialog';
import { plural } from '@/ui/format';
import { useBulkDraft } from './draft';
import { filterWords } from '../jobs/filter';
import { commandName } from './logic';

const CONCURRENCY_MAX = 256;

/** The last question before many stations are told something. */
export function Confirm({
  body,
  reached,
  away,
  problems,
  onClose,
}: {
  body: { filter: BulkFilter; concurrency: number } & Record<string, unknown>;
  reached: number;
  away: number;
  problems: number;
  onClose: () => void;
}) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const { change, clear } = useBulkDraft();
  const name = commandName(body);
  const send = useMutation({
    mutationFn: () => api.post<BulkCommand>('/bulk-commands', body),
    onSuccess: (job) => {
      void client.invalidateQueries({ queryKey: bulkKey });
      clear();
      void navigate({ to: '/bulk/$bulkId', params: { bulkId: job.id } });
    },
  });
  const problem = send.error instanceof ApiError ? send.error : null;
  const warning = name === 'Reset' ? 'Stations are offline until they have started again.' : careful(name);
  const warned = warning !== null || problems > 0;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`${name}: ${plural(reached, 'station')}`}
      description={filterWords(body.filter)}
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
          <button
            type="button"
            className={warned ? 'btn btn-danger' : 'btn btn-primary'}
            disabled={send.isPending}
            onClick={() => send.mutate()}
          >
            {send.isPending ? 'Starting…' : `Send to ${plural(reached, 'station')}`}
          </button>
        </>
      }
    >
      {warning && <p>{warning}</p>}
      {away > 0 && <p className="muted">{plural(away, 'station')} not connected: these will fail.</p>}
      {problems > 0 && (
        <p className="muted">
          Some stations speak a version that does not know this command: nothing is sent to them.
        </p>
      )}
      <div className="field">
        <label htmlFor="bulk-concurrency">Stations asked at once</label>
        <input
          id="bulk-concurrency"
          className="input num"
          type="number"
          min={1}
          max={CONCURRENCY_MAX}
          value={body.concurrency}
          onChange={(event) =>
            change({
              concurrency: Math.min(
                CONCURRENCY_MAX,
                Math.max(1, Math.round(Number(event.target.value)) || 1),
              ),
            })
          }
        />
        <span className="hint">Fewer spare a network that is slow; 1 to {CONCURRENCY_MAX}.</span>
      </div>
      {problem && (
        <div className="outcome" data-tone="bad" role="alert">
          <strong>{problem.problem.title ?? 'The command was not taken'}</strong>
          {problem.problem.detail}
        </div>
      )}
    </Dialog>
  );
}
