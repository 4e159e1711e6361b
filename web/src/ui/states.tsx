import type { ReactNode } from 'react';
import { ApiError } from '@/api/client';
import { sentence } from './format';
import { Icon, type IconName } from './icons';
import { Prose } from './prose';

/** A grey bar where a value will stand. */
export function Skeleton({ width = '6ch', height }: { width?: string; height?: string }) {
  return <span className="skeleton" style={{ width, height }} aria-hidden="true" />;
}

/** Several lines of skeleton with one spoken "loading". */
export function SkeletonBlock({ lines = 4 }: { lines?: number }) {
  return (
    <div className="state-inline" role="status" style={{ display: 'grid', gap: '0.75rem' }}>
      <span className="visually-hidden">Loading</span>
      {Array.from({ length: lines }, (_, i) => (
        <Skeleton key={i} width={`${90 - ((i * 17) % 45)}%`} height="0.875rem" />
      ))}
    </div>
  );
}

export function EmptyState({
  icon = 'inbox',
  title,
  children,
  action,
}: {
  icon?: IconName;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="state">
      <Icon name={icon} size={22} />
      <strong>{title}</strong>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

/** What went wrong in the server's own words, and a way to try again. */
export function ErrorState({ error, retry, what }: { error: unknown; retry?: () => void; what: string }) {
  const status = error instanceof ApiError ? error.status : null;
  const title =
    status === 404
      ? `${what} not found`
      : status === 403
        ? `No permission to see ${what.toLowerCase()}`
        : status === 0
          ? 'The server cannot be reached'
          : `${what} could not be loaded`;
  const detail = error instanceof Error && error.message !== title.toLowerCase() ? error.message : null;
  return (
    <div className="state" role="alert">
      <Icon name={status === 0 ? 'wifiOff' : 'warn'} size={22} />
      <strong>{title}</strong>
      {detail && (
        <p>
          <Prose text={sentence(detail)} />
        </p>
      )}
      {retry && status !== 404 && status !== 403 && (
        <button type="button" className="btn" onClick={retry}>
          <Icon name="refresh" /> Try again
        </button>
      )}
    </div>
  );
}
