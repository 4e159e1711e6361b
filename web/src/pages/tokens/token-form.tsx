import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { api, ApiError } from '@/api/client';
import { stationsQuery, vehiclesQuery } from '@/api/queries';
import { tokenPath, tokensKey, type IdToken, type IdTokenStatus } from '@/api/tokens';
import { useList } from '@/api/use-list';
import { Dialog } from '@/ui/dialog';
import { Check, Field } from '@/ui/field';
import { plural, sentence } from '@/ui/format';
import { Segments } from '@/ui/segments';
import { toast } from '@/ui/toast';
import { readIds } from '../jobs/filter';
import { draftOf, kinds, requestOf, statuses, statusWords, type TokenDraft } from './logic';

interface PartProps {
  draft: TokenDraft;
  change: (change: Partial<TokenDraft>) => void;
  problemOf: (field: string) => string | null;
}

/** One line of text of a token. */
function Text({
  of,
  field: name,
  label,
  hint,
  mono = false,
  max,
  list,
  part: { draft, change, problemOf },
}: {
  of: 'type' | 'parent' | 'group' | 'language' | 'vehicle';
  field: string;
  label: string;
  hint?: string;
  mono?: boolean;
  max: number;
  list?: string;
  part: PartProps;
}) {
  return (
    <Field label={label} hint={hint} problem={problemOf(name)}>
      {(field) => (
        <input
          {...field}
          className={mono ? 'input mono' : 'input'}
          maxLength={max}
          list={list}
          autoComplete="off"
          spellCheck={false}
          value={draft[of]}
          onChange={(e) => change({ [of]: e.target.value })}
        />
      )}
    </Field>
  );
}

/** Where it is good and who belongs together: what few tokens need. */
function More(part: PartProps) {
  const { draft, change, problemOf } = part;
  const vehicles = useList(vehiclesQuery);
  const stations = useList(stationsQuery);
  const known = new Set(stations.rows?.flatMap((s) => [s.id, ...s.evses.map((e) => e.id)]));
  const places = readIds(draft.only_at);
  const strange = stations.rows ? places.filter((id) => !known.has(id)) : [];
  return (
    <>
      <div className="pair">
        <Text of="type" field="type" label="Kind" list="token-kinds" max={20} part={part} />
        <Text
          of="language"
          field="language"
          label="Language"
          hint="Such as de or pt-BR."
          max={8}
          part={part}
        />
      </div>
      <div className="pair">
        <Text
          of="group"
          field="group"
          label="Price group"
          hint="Whose prices hold for it."
          max={64}
          part={part}
        />
        <Text of="vehicle" field="vehicle" label="Vehicle" list="token-vehicles" mono max={128} part={part} />
      </div>
      <datalist id="token-kinds">
        {kinds.map((kind) => (
          <option key={kind} value={kind} />
        ))}
      </datalist>
      <datalist id="token-vehicles">
        {vehicles.rows?.map((v) => (
          <option key={v.id} value={v.id}>
            {v.name}
          </option>
        ))}
      </datalist>
      <Field
        label="Good only at these stations and EVSEs"
        problem={problemOf('only_at')}
        hint={
          strange.length > 0
            ? `Not known here: ${strange.slice(0, 3).join(', ')}${strange.length > 3 ? ' …' : ''}. They are kept all the same.`
            : places.length > 0
              ? plural(places.length, 'place')
              : 'Their ids, one a line; of an EVSE, station and number, such as ST-01:1. Everywhere when empty.'
        }
      >
        {(field) => (
          <textarea
            {...field}
            className="input"
            rows={3}
            spellCheck={false}
            value={draft.only_at}
            onChange={(e) => change({ only_at: e.target.value })}
          />
        )}
      </Field>
    </>
  );
}

/** Adds a token, or changes one. */
export function TokenForm({ token, onClose }: { token: IdToken | null; onClose: () => void }) {
  const client = useQueryClient();
  const [draft, setDraft] = useState(() => draftOf(token));
  const change = (part: Partial<TokenDraft>) => setDraft((d) => ({ ...d, ...part }));
  const save = useMutation({
    mutationFn: () => {
      const body = requestOf(draft, token);
      return token === null
        ? api.post<IdToken>('/id-tokens', body)
        : api.put<IdToken>(tokenPath(token.id_token), body);
    },
    onSuccess: (saved) => {
      void client.invalidateQueries({ queryKey: tokensKey });
      toast(token === null ? `${saved.id_token} added` : `${saved.id_token} changed`, { tone: 'good' });
      onClose();
    },
  });
  const fields = new Set([
    'id_token',
    'type',
    'expires_at',
    'parent',
    'group',
    'language',
    'vehicle',
    'only_at',
    'note',
  ]);
  const problem = save.error instanceof ApiError ? save.error : null;
  const named = problem?.problem.field && fields.has(problem.problem.field) ? problem.problem.field : null;
  const problemOf = (field: string) => (named === field && problem ? sentence(problem.message) : null);
  const part = { draft, change, problemOf };
  const further = Boolean(draft.type || draft.language || draft.group || draft.vehicle || draft.only_at);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={token === null ? 'Add an id token' : `Change ${token.id_token}`}
      description={
        token === null ? 'A card, a fob, an app or a vehicle that may charge, on its terms.' : undefined
      }
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" form="token-form" className="btn btn-primary" disabled={save.isPending}>
            {save.isPending ? 'Saving…' : token === null ? 'Add it' : 'Save'}
          </button>
        </>
      }
    >
      <form id="token-form" className="form" onSubmit={submit}>
        {token === null && (
          <Field
            label="Token"
            problem={problemOf('id_token')}
            hint="As the station reads it; upper and lower case are the same. OCPP 1.6 has room for 20 characters, 2.0.1 for 36."
          >
            {(field) => (
              <input
                {...field}
                className="input mono"
                required
                maxLength={255}
                autoComplete="off"
                spellCheck={false}
                autoFocus
                value={draft.id_token}
                onChange={(e) => change({ id_token: e.target.value })}
              />
            )}
          </Field>
        )}
        <div className="field">
          <span className="label">It is</span>
          <div className="segments-scroll">
            <Segments<IdTokenStatus>
              label="Status"
              value={draft.status}
              options={statuses.map((value) => ({ value, label: statusWords[value] }))}
              onChange={(status) => change({ status })}
            />
          </div>
        </div>
        <div className="pair">
          <Field label="Good until" hint="For good when empty." problem={problemOf('expires_at')}>
            {(field) => (
              <input
                {...field}
                className="input num"
                type="datetime-local"
                value={draft.expires}
                onChange={(e) => change({ expires: e.target.value })}
              />
            )}
          </Field>
          <Text
            of="parent"
            field="parent"
            label="Parent"
            hint="Who is of one may end what another began."
            mono
            max={36}
            part={part}
          />
        </div>
        <Check
          label="May charge at several places at once"
          checked={draft.concurrent}
          onChange={(concurrent) => change({ concurrent })}
        />
        <Field label="Note" problem={problemOf('note')}>
          {(field) => (
            <input
              {...field}
              className="input"
              maxLength={500}
              autoComplete="off"
              placeholder="Whose it is"
              value={draft.note}
              onChange={(e) => change({ note: e.target.value })}
            />
          )}
        </Field>
        <details className="token-more" open={further}>
          <summary>Kind, prices, places</summary>
          <div className="form">
            <More {...part} />
          </div>
        </details>
        {save.error && named === null && (
          <div className="outcome" data-tone="bad" role="alert">
            {sentence(save.error.message)}
          </div>
        )}
      </form>
    </Dialog>
  );
}
