import type { Battery, BatteryWarning, Bounds } from '@/api/batteries';
import { percent } from '@/ui/format';
import { Glyph, SeverityGlyph } from '@/ui/glyph';
import { severityKey } from '@/ui/tokens';
import { causeLabel, statusWord } from './words';

/** How the twin stands to the pack: shape, colour and word. */
export function SyncBadge({ of }: { of: Pick<Battery, 'status' | 'status_reason'> }) {
  const word = statusWord(of.status);
  return (
    <span className="badge" title={of.status_reason ?? word.text}>
      <Glyph shape={word.shape} color={word.color} />
      <span>{word.label}</span>
    </span>
  );
}

export function WarningTag({ warning }: { warning: Pick<BatteryWarning, 'cause' | 'severity'> }) {
  const key = severityKey(warning.severity);
  return (
    <span className="badge" data-severity={key}>
      <SeverityGlyph severity={key} />
      <span>{causeLabel(warning.cause)}</span>
    </span>
  );
}

/** A share with the interval that it lies in, drawn on a bar from `min` to `max`. */
export function BoundsBar({
  of,
  label,
  min = 0,
  max = 1,
  digits = 0,
}: {
  of: Bounds | null;
  label: string;
  min?: number;
  max?: number;
  digits?: number;
}) {
  if (!of) return <span className="faint">–</span>;
  const at = (v: number) => `${(Math.min(1, Math.max(0, (v - min) / (max - min))) * 100).toFixed(2)}%`;
  const width = `calc(${at(of.high)} - ${at(of.low)})`;
  return (
    <span className="bounds">
      <span className="num">{percent(of.value, digits)}</span>
      <span
        className="bounds-bar"
        role="img"
        aria-label={`${label}: ${percent(of.value, 1)}, between ${percent(of.low, 1)} and ${percent(of.high, 1)}`}
      >
        <i style={{ left: at(of.low), width }} />
        <b style={{ left: at(of.value) }} />
      </span>
    </span>
  );
}
