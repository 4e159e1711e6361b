import { Link, useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { EmptyState, ErrorState, SkeletonBlock } from '@/ui/states';
import { PageMissing, reachable } from './lazy-route-component';

export function PagePending() {
  return (
    <main className="page" aria-busy="true">
      <SkeletonBlock lines={6} />
    </main>
  );
}

export function PageError({ error }: ErrorComponentProps) {
  const router = useRouter();
  // Some browsers remember that a file could not be fetched, and only a fresh window asks again. There is nothing on a
  // broken page that it would lose; with the server away it would end in the browser's own error page.
  const retry = async () => {
    if (error instanceof PageMissing || (await reachable())) location.reload();
    else await router.invalidate();
  };
  return (
    <main className="page">
      <h1 className="visually-hidden">This page could not be shown</h1>
      <ErrorState error={error} what="This page" retry={() => void retry()} />
    </main>
  );
}

export function PageNotFound() {
  return (
    <main className="page">
      <h1 className="visually-hidden">Page not found</h1>
      <EmptyState
        icon="search"
        title="There is no such page"
        action={
          <Link to="/" className="btn">
            Go to operations
          </Link>
        }
      >
        The address may be from an older link, or mistyped.
      </EmptyState>
    </main>
  );
}
