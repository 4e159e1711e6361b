import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ApiError } from '@/api/client';
import { tariffsKey, type Assignment, type Tariff } from '@/api/tariffs';
import { Dialog } from '@/ui/dialog';
import { toast } from '@/ui/toast';

const scopes = [
  ['default', 'Everything else'],
  ['site', 'A site'],
  ['station', 'A station'],
  ['evse', 'An EVSE'],
] as const;

/** Says what prices what from now on. */
export function AssignDialog({ tariffs, onClose }: { tariffs: readonly Tariff[]; onClose: () => void }) {
  const client = useQueryClient();
  const [scope, setScope] = useState<string>('default');
  const assign = useMutation({
    mutationFn: (body: Record<string, unknown>) => api.post<Assignment>('/tariff-assignments', body),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: tariffsKey });
      toast('Tariff assigned', { tone: 'good', detail: 'It prices what starts from now on.' });
      onClose();
    },
  });
  const problem = assign.error instanceof ApiError ? assign.error : null;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    assign.mutate({
      scope,
      ...(scope === 'default' ? {} : { target: text('target') }),
      ...(text('group') ? { token_group: text('group') } : {}),
      tariff: text('tariff') || null,
    });
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Assign a tariff"
      description="Transactions that run already keep the price that they started with."
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" form="assign" className="btn btn-primary" disabled={assign.isPending}>
            {assign.isPending ? 'Assigning…' : 'Assign'}
          </button>
        </>
      }
    >
      <form id="assign" onSubmit={submit} style={{ display: 'grid', gap: '1rem' }}>
        <div className="field">
          <label htmlFor="as-scope">For</label>
          <select
            id="as-scope"
            className="input"
            value={scope}
            onChange={(event) => setScope(event.target.value)}
          >
            {scopes.map(([value, word]) => (
              <option key={value} value={value}>
                {word}
              </option>
            ))}
          </select>
        </div>
        {scope !== 'default' && (
          <div className="field">
            <label htmlFor="as-target">Which</label>
            <input id="as-target" name="target" className="input mono" required autoComplete="off" />
            <span className="hint">Its id; of an EVSE, station and number, such as ST-01:1.</span>
          </div>
        )}
        <div className="field">
          <label htmlFor="as-group">Only for tokens of the group, if any</label>
          <input id="as-group" name="group" className="input" maxLength={64} autoComplete="off" />
        </div>
        <div className="field">
          <label htmlFor="as-tariff">Tariff</label>
          <select id="as-tariff" name="tariff" className="input">
            {tariffs
              .filter((t) => !t.retired)
              .map((t) => (
                <option key={t.id} value={t.id}>
                  {t.name}
                </option>
              ))}
            <option value="">None: an earlier assignment ends</option>
          </select>
        </div>
        {problem && (
          <p className="field" role="alert">
            <span className="problem">{problem.message}</span>
          </p>
        )}
      </form>
    </Dialog>
  );
}
