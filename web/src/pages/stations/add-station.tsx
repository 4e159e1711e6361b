import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ApiError } from '@/api/client';
import { keys } from '@/api/queries';
import type { NewStation } from '@/api/types';
import { Dialog } from '@/ui/dialog';
import { Secret } from '@/ui/secret';

export function AddStationDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [made, setMade] = useState<NewStation | null>(null);
  const add = useMutation({
    mutationFn: (body: { id: string; name?: string }) => api.post<NewStation>('/stations', body),
    onSuccess: (station) => {
      setMade(station);
      void client.invalidateQueries({ queryKey: keys.stations });
    },
  });
  const problem = add.error instanceof ApiError ? add.error : null;

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const name = String(form.get('name') ?? '').trim();
    add.mutate({ id: String(form.get('id') ?? '').trim(), ...(name ? { name } : {}) });
  };

  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={made ? `Station ${made.id} is ready to connect` : 'Add a station'}
      description={
        made
          ? 'Give the station its identity and this password for HTTP basic authentication.'
          : 'The identity is what the station puts at the end of its OCPP address.'
      }
      footer={
        made ? (
          <button type="button" className="btn btn-primary" onClick={onClose}>
            Done
          </button>
        ) : (
          <>
            <button type="button" className="btn" onClick={onClose}>
              Cancel
            </button>
            <button type="submit" form="add-station" className="btn btn-primary" disabled={add.isPending}>
              {add.isPending ? 'Adding…' : 'Add station'}
            </button>
          </>
        )
      }
    >
      {made ? (
        <Secret value={made.password ?? ''} label="Password" />
      ) : (
        <form id="add-station" onSubmit={submit} style={{ display: 'grid', gap: '1rem' }}>
          <div className="field">
            <label htmlFor="new-id">Identity</label>
            <input id="new-id" name="id" className="input mono" required maxLength={48} autoComplete="off" />
          </div>
          <div className="field">
            <label htmlFor="new-name">Name, if any</label>
            <input id="new-name" name="name" className="input" maxLength={120} autoComplete="off" />
          </div>
          {problem && (
            <p className="field" role="alert">
              <span className="problem">{problem.message}</span>
            </p>
          )}
        </form>
      )}
    </Dialog>
  );
}
