import { Link } from '@tanstack/react-router';
import type { Command } from '@/api/types';
import { live } from '@/live';
import { took } from '@/ocpp-form/brief';
import { Decoded } from '@/ocpp-form/decoded';
import { instant, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Json } from '@/ui/json';
import { TraceTag } from '@/ui/trace-tag';
import { finished } from './use-command';
import './outcome.css';

/** How long a command took, as text; null while it runs. */
export function latency(command: Command): string | null {
  const from = instant(command.requested_at);
  const to = instant(command.finished_at);
  return from === null || to === null ? null : took(to - from);
}

/** Requested, sent, answered: what is known and nothing more. */
export function CommandSteps({ command, busy }: { command: Command | null; busy: boolean }) {
  const state = command?.state;
  // An error is an answer too: the station had it.
  const refused = state === 'failed' && /^the station answered/i.test(command?.reason ?? '');
  const sent = state === 'sent' || state === 'accepted' || state === 'rejected' || refused;
  const good = state === 'accepted';
  const over = finished(command);
  const time = command ? latency(command) : null;
  return (
    <ol className="steps">
      <li data-done="true" data-tone="good">
        <span className="dot">
          <Icon name="check" size={12} />
        </span>
        Requested
      </li>
      <li data-done={sent} data-tone={sent ? 'good' : undefined} data-busy={busy && !sent && !over}>
        <span className="dot">{sent && <Icon name="check" size={12} />}</span>
        {sent ? 'Sent to the station' : state === 'failed' ? 'Not confirmed as sent' : 'Sending'}
      </li>
      <li
        data-done={over}
        data-tone={over ? (good ? 'good' : 'bad') : undefined}
        data-busy={busy && sent && !over}
      >
        <span className="dot">{over && <Icon name={good ? 'check' : 'close'} size={12} />}</span>
        {over
          ? good
            ? 'Accepted by the station'
            : state === 'rejected'
              ? 'Rejected by the station'
              : refused
                ? 'Failed: the station answered with an error'
                : 'Failed'
          : 'Waiting for the answer'}
        {time && <span className="when">{time}</span>}
      </li>
    </ol>
  );
}

/** The steps, why it ended as it did, the answer field by field, and both payloads to unfold. */
export function CommandOutcome({
  command,
  busy,
  linked = true,
}: {
  command: Command | null;
  busy: boolean;
  /** Leads to the message log; not from a dialog that would stay open over it. */
  linked?: boolean;
}) {
  const over = finished(command);
  const good = command?.state === 'accepted';
  const answered = over && command?.answer != null;
  return (
    <div role="status" aria-live="polite" className="cmd-outcome">
      <CommandSteps command={command} busy={busy} />
      {over && command && (command.reason || !good) && (
        <div className="outcome" data-tone={good ? 'good' : 'bad'}>
          {command.reason ? sentence(command.reason) : 'The station gave no reason.'}
        </div>
      )}
      {answered && (
        <section aria-label="The station’s answer">
          <h3>The station’s answer</h3>
          <Decoded value={command.answer} empty="An answer without fields." />
        </section>
      )}
      {command && (
        <div className="cmd-payloads">
          <details>
            <summary>Payload as sent</summary>
            <Json value={command.payload} label={`Payload of ${command.action}`} />
          </details>
          {answered && (
            <details>
              <summary>Answer as JSON</summary>
              <Json value={command.answer} label={`Answer to ${command.action}`} />
            </details>
          )}
          {over && (
            <span className="cmd-links">
              {linked && (
                <Link
                  to="/stations/$stationId/$tab"
                  params={{ stationId: command.station, tab: 'messages' }}
                  search={{ action: command.action }}
                  className="link"
                >
                  In the message log
                </Link>
              )}
              <TraceTag trace={live.traceOf('command', command.id)} />
            </span>
          )}
        </div>
      )}
    </div>
  );
}
