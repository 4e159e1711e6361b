import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { eventsKey, putEndpoint, type EventEndpoint } from '@/api/events';
import { Check, Field } from '@/ui/field';
import { FormDialog } from '@/ui/form-dialog';
import { Segments } from '@/ui/segments';
import { toast } from '@/ui/toast';
import { bodyOf, draftOf, fresh, kinds, type EndpointDraft } from './draft';

/** Where events are to go: a new endpoint, or another setting of one. */
export function EndpointDialog({
  endpoint,
  others,
  onClose,
}: {
  endpoint: EventEndpoint | null;
  /** Endpoints that may take what this one does not. */
  others: readonly string[];
  onClose: () => void;
}) {
  const client = useQueryClient();
  const [draft, setDraft] = useState<EndpointDraft>(() => (endpoint ? draftOf(endpoint) : fresh));
  const change = (part: Partial<EndpointDraft>) => setDraft({ ...draft, ...part });
  const save = useMutation({
    mutationFn: () => putEndpoint(draft.name.trim(), bodyOf(draft)),
    onSuccess: (made) => {
      toast(endpoint ? `${made.name} is changed` : `${made.name} is ready`, { tone: 'good' });
      onClose();
    },
    onSettled: () => client.invalidateQueries({ queryKey: eventsKey }),
  });
  const kind = kinds.find((k) => k.value === draft.kind);
  const text = (
    name: 'url' | 'place' | 'user',
    label: string,
    rest: { hint?: string; placeholder?: string; optional?: boolean } = {},
  ) => (
    <Field label={label} hint={rest.hint}>
      {(field) => (
        <input
          {...field}
          className="input mono"
          required={!rest.optional}
          maxLength={1_000}
          autoComplete="off"
          spellCheck={false}
          placeholder={rest.placeholder}
          value={draft[name]}
          onChange={(e) => change({ [name]: e.target.value })}
        />
      )}
    </Field>
  );
  return (
    <FormDialog
      title={endpoint ? endpoint.name : 'Add an endpoint'}
      confirm={endpoint ? 'Save' : 'Add'}
      busy={draft.kind === 'webhook' && draft.validation !== 'none' ? 'Asking the webhook…' : 'Saving…'}
      pending={save.isPending}
      error={save.error}
      onClose={onClose}
      onSubmit={() => save.mutate()}
    >
      {!endpoint && (
        <Field label="Name" hint="2 to 49 letters, digits and hyphens.">
          {(field) => (
            <input
              {...field}
              className="input mono"
              required
              minLength={2}
              maxLength={49}
              pattern="[A-Za-z0-9\-]+"
              autoComplete="off"
              autoFocus
              value={draft.name}
              onChange={(e) => change({ name: e.target.value })}
            />
          )}
        </Field>
      )}
      <Segments
        label="Kind"
        value={draft.kind}
        options={kinds}
        onChange={(value) => change({ kind: value })}
      />
      {draft.kind !== 'file' &&
        text('url', 'Address', {
          placeholder: kind?.address ?? '',
          hint: 'On the public network, unless the server was told of others by --event-host.',
        })}
      {draft.kind === 'mqtt' &&
        text('place', 'Topic', { hint: '{twin} and {type} stand for those of the event.' })}
      {draft.kind === 'nats' &&
        text('place', 'Subject', { hint: '{twin} and {type} stand for those of the event.' })}
      {(draft.kind === 'mqtt' || draft.kind === 'nats') && text('user', 'User, if any', { optional: true })}
      {draft.kind !== 'file' && (
        <Field
          label={draft.kind === 'webhook' ? 'Secret, if any' : 'Password, if any'}
          hint={
            endpoint?.has_secret
              ? 'One is set; leave this empty to keep it.'
              : draft.kind === 'webhook'
                ? 'Goes into the header Authorization, such as Bearer …'
                : undefined
          }
        >
          {(field) => (
            <input
              {...field}
              className="input mono"
              type="password"
              maxLength={4_096}
              autoComplete="new-password"
              value={draft.secret}
              onChange={(e) => change({ secret: e.target.value })}
            />
          )}
        </Field>
      )}
      {draft.kind === 'webhook' && (
        <div className="pair">
          <Field label="An event is sent">
            {(field) => (
              <select
                {...field}
                className="input"
                value={draft.mode}
                onChange={(e) => change({ mode: e.target.value as EndpointDraft['mode'] })}
              >
                <option value="structured">as one JSON document</option>
                <option value="binary">with its attributes as headers</option>
              </select>
            )}
          </Field>
          <Field label="It is asked first">
            {(field) => (
              <select
                {...field}
                className="input"
                value={draft.validation}
                onChange={(e) => change({ validation: e.target.value as EndpointDraft['validation'] })}
              >
                <option value="cloud_events">by OPTIONS, as CloudEvents says</option>
                <option value="event_grid">with a code, as Azure Event Grid does</option>
                <option value="none">not at all</option>
              </select>
            )}
          </Field>
        </div>
      )}
      {draft.kind === 'mqtt' && (
        <Field label="Version of MQTT">
          {(field) => (
            <select
              {...field}
              className="input"
              value={draft.version}
              onChange={(e) => change({ version: e.target.value as EndpointDraft['version'] })}
            >
              <option value="5">5</option>
              <option value="3.1.1">3.1.1</option>
            </select>
          )}
        </Field>
      )}
      {draft.kind === 'nats' && (
        <Check
          label="A stream of JetStream acknowledges each event"
          text="Without it NATS keeps nothing for a subscriber that is away."
          checked={draft.jetstream}
          onChange={(jetstream) => change({ jetstream })}
        />
      )}
      {others.length > 0 && (
        <Field label="What it does not take goes to">
          {(field) => (
            <select
              {...field}
              className="input"
              value={draft.deadLetters}
              onChange={(e) => change({ deadLetters: e.target.value })}
            >
              <option value="">its dead letters here</option>
              {others.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      <Check
        label="Events are sent to it"
        text="While they are not, they wait in the log."
        checked={draft.enabled}
        onChange={(enabled) => change({ enabled })}
      />
    </FormDialog>
  );
}
