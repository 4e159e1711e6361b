import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ApiError } from '@/api/client';
import { ocpiKey, type AddedParty, type OcpiSettings } from '@/api/desk';
import { rolesOf } from './roles';
import { Field } from '@/ui/field';
import { FormDialog } from '@/ui/form-dialog';
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
      toast('Saved', { tone: 'good', detail: 'Partners read it when they next ask for credentials.' });
      void client.invalidateQueries({ queryKey: ocpiKey });
      onClose();
    },
  });
  return (
    <FormDialog
      title="Who we are to partners"
      confirm="Save"
      busy="Saving…"
      pending={save.isPending}
      error={save.error}
      onClose={onClose}
      onSubmit={(read) =>
        save.mutate({
          name: read('name'),
          country_code: read('country_code'),
          party_id: read('party_id'),
          currency: read('currency'),
          url: read('url'),
          website: read('website') || null,
        })
      }
    >
      {fields.map((f) => (
        <Field key={f.name} label={f.label} hint={f.hint}>
          {(field) => (
            <input
              {...field}
              name={f.name}
              className="input"
              type={f.type ?? 'text'}
              required={!f.optional}
              pattern={f.pattern}
              maxLength={f.length}
              defaultValue={settings?.[f.name] ?? (f.name === 'url' ? window.location.origin : '')}
              autoComplete="off"
            />
          )}
        </Field>
      ))}
    </FormDialog>
  );
}

type Way = 'theirs' | 'ours';

/** What a refusal of the partner itself means for whoever typed its address and token. */
function refusal(error: Error | null): Error | null {
  if (!(error instanceof ApiError) || !/HTTP 40[13]/.test(error.message)) return error;
  return new ApiError(error.status, {
    detail: `The partner does not know this token: it is good for one registration. (${error.message})`,
  });
}

/** A new partner: it comes to us with a token of ours, or we go to it with one of its own. */
export function AddPartner({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [way, setWay] = useState<Way>('theirs');
  const add = useMutation({
    mutationFn: (body: Record<string, string>) => api.post<AddedParty>('/ocpi/parties', body),
    onSettled: () => client.invalidateQueries({ queryKey: ocpiKey }),
  });
  const made = add.data;
  return (
    <FormDialog
      title={made ? `${made.name} ${made.token ? 'may come' : 'is connected'}` : 'Add a partner'}
      description={
        made &&
        (made.token
          ? 'Give the partner both. It registers with them by itself.'
          : 'Both sides have their tokens.')
      }
      done={
        made &&
        (made.token ? (
          <>
            <Secret value={made.versions_url} label="Address of our versions" hint="" />
            <Secret value={made.token} label="Token" />
          </>
        ) : (
          <dl className="facts">
            <div>
              <dt>It is</dt>
              <dd className="mono">{rolesOf(made)}</dd>
            </div>
            <div>
              <dt>It takes</dt>
              <dd>{[...new Set(made.modules)].join(', ')}</dd>
            </div>
          </dl>
        ))
      }
      confirm="Add"
      busy={way === 'ours' ? 'Registering…' : 'Adding…'}
      pending={add.isPending}
      error={refusal(add.error)}
      onClose={onClose}
      onSubmit={(read) =>
        add.mutate({
          name: read('name'),
          ...(way === 'ours' ? { url: read('url'), token: read('token') } : {}),
        })
      }
    >
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
    </FormDialog>
  );
}
