import { memo, useRef, type KeyboardEvent, type ReactNode } from 'react';
import type { StationMessage } from '@/api/types';
import type { Violation } from '@/api/ocpp';
import { took } from '@/ocpp-form/brief';
import { clock, dateTime, instant } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { isWrong, kindWord, summary, violationsOf, type Pair } from './frames';

/** Wall clock with milliseconds, and the day where it is not today. */
function when(at: string): string {
  const ms = instant(at);
  if (ms === null) return at;
  const thousandths = String(ms % 1000).padStart(3, '0');
  const today = new Date(ms).toDateString() === new Date().toDateString();
  return today
    ? `${clock(ms)}.${thousandths}`
    : `${dateTime(at)}:${String(new Date(ms).getSeconds()).padStart(2, '0')}`;
}

function Marks({ message, violations }: { message: StationMessage; violations: readonly Violation[] }) {
  if (violations.length > 0) {
    return (
      <span className="tag" data-tone="warn">
        <Icon name="warn" size={11} />
        {violations[0]?.detail.code ?? 'Violation'}
        {violations.length > 1 && ` +${violations.length - 1}`}
      </span>
    );
  }
  if (message.outcome) {
    return (
      <span className="tag" data-tone="bad">
        {message.outcome}
      </span>
    );
  }
  return message.kind === 'error' || message.kind === 'malformed' ? (
    <span className="tag" data-tone="bad">
      {kindWord(message.kind)}
    </span>
  ) : null;
}

interface RowProps {
  message: StationMessage;
  ms: number | null;
  violations: readonly Violation[];
  open: boolean;
  withStation: boolean;
  onOpen: (message: StationMessage) => void;
  children?: ReactNode;
}

const Row = memo(function Row({ message, ms, violations, open, withStation, onOpen, children }: RowProps) {
  const inward = message.direction === 'in';
  return (
    <li data-wrong={isWrong(message, violations)}>
      <button
        type="button"
        className="msg-row"
        aria-expanded={open}
        data-station={withStation}
        onClick={() => onOpen(message)}
      >
        <span className="num faint msg-when">{when(message.at)}</span>
        {withStation && <span className="msg-station truncate">{message.station}</span>}
        <span className="msg-dir" data-dir={message.direction}>
          <Icon name={inward ? 'arrowIn' : 'arrowOut'} size={13} />
          <span className="visually-hidden">{inward ? 'From the station:' : 'To the station:'}</span>
          {kindWord(message.kind)}
        </span>
        <strong className="truncate msg-action">{message.action ?? 'Unknown action'}</strong>
        <span className="msg-summary truncate">{summary(message)}</span>
        <span className="num faint msg-took">{message.kind !== 'call' && ms !== null ? took(ms) : ''}</span>
        <span className="msg-marks">
          <Marks message={message} violations={violations} />
        </span>
      </button>
      {children}
    </li>
  );
});

const none: readonly Violation[] = [];

/** The messages, newest first. Up and Down go from one to the next, Enter opens. */
export function MessageList({
  rows,
  pairs,
  marks,
  open,
  withStation,
  onOpen,
  detail,
}: {
  rows: readonly StationMessage[];
  pairs: ReadonlyMap<number, Pair>;
  marks: ReadonlyMap<string, Violation[]>;
  open: number | null;
  withStation: boolean;
  onOpen: (message: StationMessage) => void;
  /** What is drawn under the open row, where there is no room beside the list. */
  detail: ReactNode;
}) {
  const list = useRef<HTMLOListElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step === undefined || !(event.target as HTMLElement).matches('.msg-row')) return;
    event.preventDefault();
    const all = [...(list.current?.querySelectorAll<HTMLElement>('.msg-row') ?? [])];
    const next = all[all.findIndex((row) => row === event.target) + step];
    next?.focus();
  };
  return (
    <ol className="msg-list" ref={list} aria-label="Messages, newest first" onKeyDown={onKeyDown}>
      {rows.map((message) => {
        const violations = violationsOf(message, marks);
        return (
          <Row
            key={message.number}
            message={message}
            ms={pairs.get(message.number)?.ms ?? null}
            violations={violations.length > 0 ? violations : none}
            open={message.number === open}
            withStation={withStation}
            onOpen={onOpen}
          >
            {message.number === open && detail}
          </Row>
        );
      })}
    </ol>
  );
}
