import {
  severityKey,
  severityShape,
  statusKey,
  statusShape,
  type SeverityKey,
  type Shape,
  type StatusKey,
} from './tokens';

const solid: Partial<Record<Shape, string>> = {
  circle: 'M6 2a4 4 0 1 1 0 8 4 4 0 0 1 0-8Z',
  bolt: 'M6.9.8 2.3 6.8h2.9l-.7 4.4 5-6.4H6.5l.4-4Z',
  pause: 'M3 2.2h2.1v7.6H3zM6.9 2.2H9v7.6H6.9z',
  square: 'M2.4 2.4h7.2v7.2H2.4z',
  half: 'M6 1.8a4.2 4.2 0 0 1 0 8.4ZM6 2.8a3.2 3.2 0 0 0 0 6.4v1A4.2 4.2 0 0 1 6 1.8Z',
  flag: 'M2.5 1.2h1.1v9.6H2.5zM3.6 1.6h6L8 4.2l1.6 2.6h-6Z',
  diamond: 'M6 .6 11.4 6 6 11.4.6 6Z',
  triangle: 'M6 1 11.5 10.6H.5Z',
  octagon: 'M3.7.6h4.6l3.1 3.1v4.6l-3.1 3.1H3.7L.6 8.3V3.7Z',
  arrow: 'M6 1 10.2 10.4 6 8.3 1.8 10.4Z',
  bar: 'M1.4 2.2h9.2v1.9H1.4zM1.4 5.05h9.2v1.9H1.4zM1.4 7.9h9.2v1.9H1.4z',
  dots: 'M2.3 4.8a1.25 1.25 0 1 1 0 2.5 1.25 1.25 0 0 1 0-2.5ZM6 4.8a1.25 1.25 0 1 1 0 2.5 1.25 1.25 0 0 1 0-2.5ZM9.7 4.8a1.25 1.25 0 1 1 0 2.5 1.25 1.25 0 0 1 0-2.5Z',
};

const outline: Partial<Record<Shape, string>> = {
  ring: 'M6 2.3a3.7 3.7 0 1 1 0 7.4 3.7 3.7 0 0 1 0-7.4Z',
  slash: 'M6 1.9a4.1 4.1 0 1 1 0 8.2 4.1 4.1 0 0 1 0-8.2ZM3.1 8.9l5.8-5.8',
  cross: 'M2.6 2.6l6.8 6.8M9.4 2.6 2.6 9.4',
  question: 'M4 4.3A2 2 0 0 1 6 2.5c1.2 0 2 .8 2 1.8 0 1.6-2 1.7-2 3.1M6 9.5v.1',
};

/** The paths of a silhouette in a 12 by 12 box: one to fill, one to stroke. The scene draws its markers from them. */
export function shapePaths(shape: Shape): { solid: string | undefined; outline: string | undefined } {
  return { solid: solid[shape], outline: outline[shape] };
}

/** One silhouette in the given colour; the words beside it carry the meaning for a screen reader. */
export function Glyph({ shape, color, size = 12 }: { shape: Shape; color: string; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 12 12"
      aria-hidden="true"
      focusable="false"
      className="glyph"
    >
      {solid[shape] !== undefined && <path d={solid[shape]} fill={color} />}
      {outline[shape] !== undefined && (
        <path d={outline[shape]} fill="none" stroke={color} strokeWidth="1.7" strokeLinecap="round" />
      )}
    </svg>
  );
}

export function StatusGlyph({ status, size }: { status: StatusKey; size?: number }) {
  return <Glyph shape={statusShape[status]} color={`var(--status-${status})`} size={size ?? 12} />;
}

export function SeverityGlyph({ severity, size }: { severity: SeverityKey; size?: number }) {
  return <Glyph shape={severityShape[severity]} color={`var(--severity-${severity})`} size={size ?? 12} />;
}

/** `SuspendedEVSE` reads "Suspended EVSE". */
export function words(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, '$1 $2');
}

/** Shape, colour and word of a status as the protocol names it. */
export function StatusBadge({
  status,
  quiet = false,
}: {
  status: string | null | undefined;
  quiet?: boolean;
}) {
  const key = statusKey(status);
  return (
    <span className={quiet ? 'badge badge-quiet' : 'badge'} data-status={key}>
      <StatusGlyph status={key} />
      <span>{status ? words(status) : 'Unknown'}</span>
    </span>
  );
}

export function SeverityBadge({ severity }: { severity: string | null | undefined }) {
  const key = severityKey(severity);
  return (
    <span className="badge badge-severity" data-severity={key}>
      <SeverityGlyph severity={key} />
      <span>{key === 'none' ? 'No alarm' : key[0]?.toUpperCase() + key.slice(1)}</span>
    </span>
  );
}
