import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { eventsKey, putRoute, type EventRoute } from '@/api/events';
import { Field } from '@/ui/field';
import { FormDialog } from '@/ui/form-dialog';
import { toast } from '@/ui/toast';
import { columnIn, cutAt, filters } from './draft';

/** Which events go to an endpoint: a filter with a mark where the server finds a mistake. */
export function RouteDialog({
  route,
  endpoints,
  onClose,
}: {
  route: EventRoute | null;
  endpoints: readonly string[];
  onClose: () => void;
}) {
  const client = useQueryClient();
  const [id, setId] = useState(route?.id ?? '');
  const [endpoint, setEndpoint] = useState(route?.endpoint ?? endpoints[0] ?? '');
  const [filter, setFilter] = useState(route?.filter ?? 'true');
  const save = useMutation({
    mutationFn: (asked: string) => putRoute(id.trim(), { endpoint, filter: asked }),
    onSuccess: (made) => {
      toast(`${made.id} takes events from now on`, { tone: 'good' });
      onClose();
    },
    onSettled: () => client.invalidateQueries({ queryKey: eventsKey }),
  });
  // A mark in a text that was changed since would point to something else.
  const column = save.error && save.variables === filter ? columnIn(save.error.message) : null;
  const cut = column === null ? null : cutAt(filter, column);
  return (
    <FormDialog
      title={route ? route.id : 'Add a route'}
      confirm={route ? 'Save' : 'Add'}
      busy="Saving…"
      pending={save.isPending}
      error={save.error}
      onClose={onClose}
      onSubmit={() => save.mutate(filter)}
    >
      {!route && (
        <Field label="Id" hint="1 to 128 letters, digits and - . _ :">
          {(field) => (
            <input
              {...field}
              className="input mono"
              required
              maxLength={128}
              pattern="[A-Za-z0-9\-._:]+"
              autoComplete="off"
              autoFocus
              value={id}
              onChange={(e) => setId(e.target.value)}
            />
          )}
        </Field>
      )}
      <Field label="Endpoint">
        {(field) => (
          <select {...field} className="input" value={endpoint} onChange={(e) => setEndpoint(e.target.value)}>
            {endpoints.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Filter" hint="Which events it lets through, by type, source, subject and $body.…">
        {(field) => (
          <textarea
            {...field}
            className="input mono"
            rows={4}
            required
            maxLength={4_096}
            spellCheck={false}
            aria-invalid={column !== null || undefined}
            value={filter}
            onChange={(e) => setFilter(e.target.value)}
          />
        )}
      </Field>
      {cut && (
        <p className="event-cut mono" aria-label={`The mistake is at column ${column ?? ''}`}>
          {cut[0].slice(-40)}
          <mark>{cut[1] || ' '}</mark>
          {cut[2].slice(0, 40)}
        </p>
      )}
      <div className="field">
        <span className="label">Begin with</span>
        <span className="event-chips">
          {filters.map((f) => (
            <button key={f.title} type="button" className="chip" onClick={() => setFilter(f.filter)}>
              {f.title}
            </button>
          ))}
        </span>
      </div>
    </FormDialog>
  );
}
