import { useMutation } from '@tanstack/react-query';
import { api, ApiError, seg } from '@/api/client';
import type { Connector, Station } from '@/api/types';
import { Dialog } from '@/ui/dialog';
import { plug, plural } from '@/ui/format';
import { Secret } from '@/ui/secret';
import { CommandDialog } from './command-dialog';

export type CommandKind = 'start' | 'stop' | 'reset' | 'trigger' | 'credentials';

export interface CommandTarget {
  kind: CommandKind;
  station: Station;
  connector?: Connector | undefined;
}

const messages = [
  'StatusNotification',
  'MeterValues',
  'Heartbeat',
  'BootNotification',
  'FirmwareStatusNotification',
];

/** The dialog that belongs to a target. */
export function CommandDialogs({ target, onClose }: { target: CommandTarget; onClose: () => void }) {
  const { kind, station, connector } = target;
  const name = station.name ?? station.id;
  switch (kind) {
    case 'start':
      return (
        <CommandDialog
          station={station.id}
          title="Start charging"
          description={`Asks ${name} to start a transaction${connector ? ` on connector ${connector.evse_id}` : ''}. The station decides.`}
          confirm="Start"
          onClose={onClose}
          body={(form) => ({
            command: 'remote_start',
            id_token: String(form.get('id_token') ?? '').trim(),
            evse: Number(form.get('evse')),
          })}
        >
          <EvseField station={station} connector={connector} />
          <div className="field">
            <label htmlFor="id-token">Id token to charge under</label>
            <input
              id="id-token"
              name="id_token"
              className="input mono"
              required
              maxLength={36}
              autoComplete="off"
              autoFocus
            />
            <span className="hint">
              A card, an app account or a vehicle. The transaction is booked on it.
            </span>
          </div>
        </CommandDialog>
      );
    case 'stop':
      return (
        <CommandDialog
          station={station.id}
          title="Stop charging"
          description={
            connector
              ? `Asks ${name} to end transaction ${connector.transaction_id ?? ''} on connector ${connector.evse_id}${connector.id_token ? ` (${connector.id_token})` : ''}.`
              : `Asks ${name} to end the transaction.`
          }
          confirm="Stop charging"
          danger
          onClose={onClose}
          body={() => ({
            command: 'remote_stop',
            ...(connector?.transaction_id
              ? { transaction_id: connector.transaction_id }
              : { evse: connector?.evse_id }),
          })}
        />
      );
    case 'reset':
      return (
        <CommandDialog
          station={station.id}
          title={`Reset ${name}`}
          description={
            station.active_transactions > 0
              ? `${plural(station.active_transactions, 'transaction')} ${station.active_transactions === 1 ? 'is' : 'are'} running. A reset at once cuts ${station.active_transactions === 1 ? 'it' : 'them'} off.`
              : 'The station restarts and is offline until it has connected again.'
          }
          confirm="Reset"
          danger
          onClose={onClose}
          body={(form) => ({ command: 'reset', immediate: form.get('how') === 'now' })}
        >
          <div className="field">
            <label htmlFor="reset-type">How</label>
            <select id="reset-type" name="how" className="input" defaultValue="idle">
              <option value="idle">When idle: running transactions end in order first</option>
              <option value="now">At once: whatever is running is cut off</option>
            </select>
          </div>
        </CommandDialog>
      );
    case 'trigger':
      return (
        <CommandDialog
          station={station.id}
          title="Ask for a message"
          description={`Asks ${name} to send a message now.`}
          confirm="Ask"
          onClose={onClose}
          body={(form) => ({ command: 'trigger', message: String(form.get('message')) })}
        >
          <div className="field">
            <label htmlFor="message">Message</label>
            <select id="message" name="message" className="input">
              {messages.map((message) => (
                <option key={message}>{message}</option>
              ))}
            </select>
          </div>
        </CommandDialog>
      );
    case 'credentials':
      return <CredentialsDialog station={station} onClose={onClose} />;
  }
}

function EvseField({ station, connector }: { station: Station; connector: Connector | undefined }) {
  const evses = station.evses ?? [];
  return (
    <div className="field">
      <label htmlFor="evse">Connector</label>
      <select id="evse" name="evse" className="input" defaultValue={connector?.evse_id ?? evses[0]?.evse_id}>
        {evses.flatMap((evse) =>
          evse.connectors.slice(0, 1).map((c) => (
            <option key={evse.id} value={evse.evse_id}>
              {evse.evse_id}: {plug(c.type)}, {c.status}
            </option>
          )),
        )}
      </select>
    </div>
  );
}

function CredentialsDialog({ station, onClose }: { station: Station; onClose: () => void }) {
  const rotate = useMutation({
    mutationFn: () => api.post<{ password: string }>(`/stations/${seg(station.id)}/credentials`),
  });
  const problem = rotate.error instanceof ApiError ? rotate.error : null;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="New password"
      description={`The old password of ${station.id} stops working at its next connection.`}
      footer={
        rotate.data ? (
          <button type="button" className="btn btn-primary" onClick={onClose}>
            Done
          </button>
        ) : (
          <>
            <button type="button" className="btn" onClick={onClose}>
              Cancel
            </button>
            <button
              type="button"
              className="btn btn-danger"
              disabled={rotate.isPending}
              onClick={() => rotate.mutate()}
            >
              Make a new password
            </button>
          </>
        )
      }
    >
      {rotate.data && <Secret value={rotate.data.password} label={`Password of ${station.id}`} />}
      {problem && (
        <div className="outcome" data-tone="bad" role="alert">
          {problem.message}
        </div>
      )}
      {!rotate.data && !problem && (
        <p className="muted">
          Have access to the station at hand: it cannot connect again until it knows the new one.
        </p>
      )}
    </Dialog>
  );
}
