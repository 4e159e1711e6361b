import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { exchangeQuery, type Violation } from '@/api/ocpp';
import type { StationMessage } from '@/api/types';
import type { MessageSearch } from '@/app/url-state';
import { took } from '@/ocpp-form/brief';
import { describe } from '@/ocpp-form/catalogue';
import { Decoded } from '@/ocpp-form/decoded';
import { CopyButton } from '@/ui/copy-button';
import { clock, dateTime, instant, sentence } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Json } from '@/ui/json';
import { TraceTag } from '@/ui/trace-tag';
import { faultsOf, frameOf, kindWord, pairs, violationsOf } from './frames';

const pretty = (value: unknown) =>
  typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? 'null');

/** One frame field by field. */
function FrameView({
  message,
  violations,
  current,
}: {
  message: StationMessage;
  violations: readonly Violation[];
  current: boolean;
}) {
  const frame = frameOf(message);
  const inward = message.direction === 'in';
  const ms = instant(message.at);
  return (
    <section className="msg-frame" data-current={current} aria-label={kindWord(message.kind)}>
      <header>
        <span className="msg-dir" data-dir={message.direction}>
          <Icon name={inward ? 'arrowIn' : 'arrowOut'} size={13} />
          <strong>{kindWord(message.kind)}</strong>
        </span>
        <span className="muted">
          {inward ? 'from' : 'to'} {message.station}
        </span>
        <time className="num faint" dateTime={message.at} title={message.at}>
          {ms === null ? message.at : `${clock(ms)}.${String(ms % 1000).padStart(3, '0')}`}
        </time>
      </header>
      {violations.map((v) => (
        <div key={v.id} className="outcome msg-violation" data-tone="warn">
          <strong>
            <Icon name="warn" size={13} /> {v.detail.code ?? 'Violation'}
            {v.detail.policy && <span className="tag">{v.detail.policy}</span>}
          </strong>
          <span>
            {v.detail.field && <code className="mono">{v.detail.field}</code>} {v.detail.detail}
          </span>
        </div>
      ))}
      {message.outcome && violations.length === 0 && message.outcome !== frame.error?.code && (
        <div className="outcome" data-tone="bad">
          {sentence(message.outcome)}
        </div>
      )}
      {frame.error && (
        <div className="outcome" data-tone="bad">
          <strong>{frame.error.code || 'Error'}</strong>
          {frame.error.description}
        </div>
      )}
      {frame.cut !== null ? (
        <>
          <p className="hint">
            {message.kind === 'malformed'
              ? 'As it was received.'
              : 'Too long for the log: cut at 4,096 characters.'}
          </p>
          <pre className="code msg-cut" tabIndex={0}>
            {frame.cut}
          </pre>
        </>
      ) : (
        !(frame.error && Object.keys((frame.payload as object | null) ?? {}).length === 0) && (
          <Decoded value={frame.payload} faults={faultsOf(violations)} empty="No fields." />
        )
      )}
      <div className="msg-frame-foot">
        <CopyButton label="Copy payload" text={() => pretty(frame.cut ?? frame.payload)} />
        <CopyButton label="Copy frame" text={() => JSON.stringify(message.payload)} />
        <TraceTag trace={message.trace} />
      </div>
      <details>
        <summary>Frame as JSON</summary>
        <Json value={message.payload} label={`${message.action ?? 'Message'} frame`} />
      </details>
    </section>
  );
}

/** A message with what it answers or what answered it, what the action means, and ways to narrow the log by it. */
export function MessageDetail({
  message,
  marks,
  fixedStation,
  onSearch,
  onClose,
}: {
  message: StationMessage;
  marks: ReadonlyMap<string, Violation[]>;
  fixedStation: boolean;
  onSearch: (change: Partial<MessageSearch>) => void;
  onClose: () => void;
}) {
  const answerable = message.kind === 'call' || message.kind === 'result' || message.kind === 'error';
  const exchange = useQuery({
    ...exchangeQuery(message.station, message.id ?? ''),
    enabled: answerable && !!message.id,
    // An answer may still come.
    refetchInterval: (query) =>
      message.kind === 'call' && !pairs(query.state.data?.items ?? []).has(message.number) ? 2_000 : false,
  });
  const pair = pairs(exchange.data?.items ?? []).get(message.number);
  const frames = pair ? [message, pair.other].sort((a, b) => a.number - b.number) : [message];
  const says = describe(message.action);
  return (
    <article className="msg-detail" aria-label={`${message.action ?? 'Message'} in detail`}>
      <header className="msg-detail-head">
        <div>
          <h2>{message.action ?? 'Unknown action'}</h2>
          <p className="faint">
            {fixedStation ? (
              message.station
            ) : (
              <Link to="/stations/$stationId" params={{ stationId: message.station }} className="link">
                {message.station}
              </Link>
            )}
            , {dateTime(message.at)}
          </p>
        </div>
        <button
          type="button"
          className="btn btn-ghost btn-icon"
          aria-label="Close the message"
          onClick={onClose}
        >
          <Icon name="close" size={14} />
        </button>
      </header>
      {says && <p className="muted">{says}</p>}
      {answerable && (
        <p className="msg-pair">
          {pair ? (
            <>
              Answered after <strong className="num">{took(pair.ms)}</strong>
            </>
          ) : exchange.isPending && message.id ? (
            <span className="faint">Looking for the other half…</span>
          ) : message.kind === 'call' ? (
            <span className="faint">No answer yet</span>
          ) : (
            <span className="faint">The call is no longer in the log</span>
          )}
        </p>
      )}
      {frames.map((frame) => (
        <FrameView
          key={frame.number}
          message={frame}
          violations={violationsOf(frame, marks)}
          current={frame.number === message.number && frames.length > 1}
        />
      ))}
      <footer className="msg-narrow" role="group" aria-label="Narrow the log">
        <span className="hint">Only</span>
        {message.action && (
          <button
            type="button"
            className="chip"
            onClick={() => onSearch({ action: message.action ?? undefined })}
          >
            {message.action}
          </button>
        )}
        {!fixedStation && (
          <button type="button" className="chip" onClick={() => onSearch({ station: message.station })}>
            {message.station}
          </button>
        )}
        {message.id && (
          <button type="button" className="chip" onClick={() => onSearch({ id: message.id ?? undefined })}>
            This message id
          </button>
        )}
      </footer>
    </article>
  );
}
