import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '@/api/client';
import { tariffsKey, type Assignment, type Tariff } from '@/api/tariffs';
import { FormDialog } from '@/ui/form-dialog';
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
  return (
    <FormDialog
      title="Assign a tariff"
      description="Transactions that run already keep the price that they started with."
      confirm="Assign"
      busy="Assigning…"
      pending={assign.isPending}
      error={assign.error}
      onClose={onClose}
      onSubmit={(read) =>
        assign.mutate({
          scope,
          ...(scope === 'default' ? {} : { target: read('target') }),
          ...(read('group') ? { token_group: read('group') } : {}),
          tariff: read('tariff') || null,
        })
      }
    >
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
    </FormDialog>
  );
}
