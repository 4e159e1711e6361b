import { energyParts, powerParts, type Quantity as Parts } from './format';

function Quantity({ parts }: { parts: Parts }) {
  return (
    <span className="quantity">
      {parts.value}
      {parts.unit && <span className="unit">{parts.unit}</span>}
    </span>
  );
}

export function Power({ w }: { w: number | null | undefined }) {
  return <Quantity parts={powerParts(w)} />;
}

export function Energy({ wh }: { wh: number | null | undefined }) {
  return <Quantity parts={energyParts(wh)} />;
}

/** A bar for a share 0 to 1; its figure stands beside it in text. */
export function Meter({
  share,
  color,
  label,
}: {
  share: number | null | undefined;
  color?: string;
  label: string;
}) {
  const value = Math.min(1, Math.max(0, share ?? 0));
  return (
    <span
      className="meter"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(value * 100)}
      style={color ? ({ '--meter-color': color } as React.CSSProperties) : undefined}
    >
      <span style={{ width: `${value * 100}%` }} />
    </span>
  );
}
