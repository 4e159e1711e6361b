import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ApiError } from '@/api/client';
import { ocpiKey, type AddedParty, type OcpiSettings } from '@/api/desk';
import { Dialog } from '@/ui/dialog';
import { sentence } from '@/ui/format';
import { Secret } from '@/ui/secret';
import { Segments } from '@/ui/segments';
import { toast } from '@/ui/toast';

interface FieldSpec {
  name: keyof OcpiSettings;
  label: string;
  hint?: string;
  pattern?: string;
  length?: number;
  type?: 'url';
  optional?: boolean;
}

const fields: readonly FieldSpec[] = [
  { name: 'name', label: 'Name of the operator', length: 100 },
  {
    name: 'country_code',
    label: 'Country',
    hint: 'Two capital letters, such as DE.',
    pattern: '[A-Z]{2}',
    length: 2,
  },
  {
    name: 'party_id',
    label: 'Party id',
    hint: 'Three capital letters or digits, as your registry of ids gave them.',
    pattern: '[A-Z0-9]{3}',
    length: 3,
  },
  {
    name: 'currency',
    label: 'Currency',
    hint: 'Three capital letters, such as EUR.',
    pattern: '[A-Z]{3}',
    length: 3,
  },
  {
    name: 'url',
    label: 'Address of this server',
    hint: 'As partners reach it, without a path.',
    type: 'url',
    length: 120,
  },
  { name: 'website', label: 'Website, if any', type: 'url', length: 255, optional: true },
];

function problemOf(error: Error | null): string | null {
  if (!error) return null;
  return sentence(error instanceof ApiError ? error.message : 'It was not taken');
}

/** Who the operator is to its partners. */
export function SettingsDialog({
  settings,
  onClose,
}: {
  settings: OcpiSettings | null;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: (body: OcpiSettings) => api.put<OcpiSettings>('/ocpi/settings', body),
    onSuccess: () => {
      toast('Partners are told', { tone: 'good' });
      void client.invalidateQueries({ queryKey: ocpiKey });
      onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    save.mutate({
      name: text('name'),
      country_code: text('country_code'),
      party_id: text('party_id'),
      currency: text('currency'),
      url: text('url'),
      website: text('website') || null,
    });
  };
  const problem = problemOf(save.error);
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Who we are to partners"
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" form="ocpi-settings" className="btn btn-primary" disabled={save.isPending}>
            {save.isPending ? 'Saving…' : 'Save'}
          </button>
        </>
      }
    >
      <form id="ocpi-settings" onSubmit={submit} style={{ display: 'grid', gap: '1rem' }}>
        {fields.map((f) => (
          <div key={f.name} className="field">
            <label htmlFor={`ocpi-${f.name}`}>{f.label}</label>
            <input
              id={`ocpi-${f.name}`}
              name={f.name}
              className="input"
              type={f.type ?? 'text'}
              required={!f.optional}
              pattern={f.pattern}
              maxLength={f.length}
              defaultValue={settings?.[f.name] ?? (f.name === 'url' ? window.location.origin : '')}
              autoComplete="off"
            />
            {f.hint && <span className="hint">{f.hint}</span>}
          </div>
        ))}
        {problem && (
          <p className="field" role="alert">
            <span className="problem">{problem}</span>
          </p>
        )}
      </form>
    </Dialog>
  );
}

type Way = 'theirs' | 'ours';

/** A new partner: it comes to us with a token of ours, or we go to it with one of its own. */
export function AddPartner({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [way, setWay] = useState<Way>('theirs');
  const add = useMutation({
    mutationFn: (body: Record<string, string>) => api.post<AddedParty>('/ocpi/parties', body),
    onSettled: () => client.invalidateQueries({ queryKey: ocpiKey }),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    add.mutate({
      name: text('name'),
      ...(way === 'ours' ? { url: text('url'), token: text('token') } : {}),
    });
  };
  const made = add.data;
  const problem = problemOf(add.error);
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={made ? `${made.name} ${made.token ? 'may come' : 'is connected'}` : 'Add a partner'}
      description={
        made
          ? made.token
            ? 'Give the partner both. It registers with them by itself.'
            : 'Both sides have their tokens.'
          : undefined
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
            <button type="submit" form="add-partner" className="btn btn-primary" disabled={add.isPending}>
              {add.isPending ? (way === 'ours' ? 'Registering…' : 'Adding…') : 'Add'}
            </button>
          </>
        )
      }
    >
      {made ? (
        <>
          <Secret value={made.versions_url} label="Address of our versions" hint="" />
          {made.token && <Secret value={made.token} label="Token" />}
        </>
      ) : (
        <form id="add-partner" onSubmit={submit} style={{ display: 'grid', gap: '1rem' }}>
          <div className="field">
            <label htmlFor="partner-name">Name</label>
            <input
              id="partner-name"
              name="name"
              className="input"
              required
              maxLength={100}
              autoComplete="off"
              autoFocus
            />
          </div>
          <Segments<Way>
            label="Who begins"
            value={way}
            onChange={setWay}
            options={[
              { value: 'theirs', label: 'It comes to us' },
              { value: 'ours', label: 'We go to it' },
            ]}
          />
          {way === 'ours' && (
            <>
              <div className="field">
                <label htmlFor="partner-url">Address of its versions</label>
                <input
                  id="partner-url"
                  name="url"
                  className="input mono"
                  type="url"
                  required
                  autoComplete="off"
                />
              </div>
              <div className="field">
                <label htmlFor="partner-token">Token that it gave us</label>
                <input
                  id="partner-token"
                  name="token"
                  className="input mono"
                  type="password"
                  required
                  maxLength={64}
                  autoComplete="off"
                />
              </div>
            </>
          )}
          {problem && (
            <p className="field" role="alert">
              <span className="problem">{problem}</span>
            </p>
          )}
        </form>
      )}
    </Dialog>
  );
}
