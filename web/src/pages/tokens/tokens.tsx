import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect, useState } from 'react';
import { tokensQuery, type IdToken } from '@/api/tokens';
import { useList } from '@/api/use-list';
import { may } from '@/app/session';
import { formatSort, parseSort, readTokenSearch, type TokenSearch } from '@/app/url-state';
import { useSession } from '@/app/use-session';
import { dateTime, instant, plural } from '@/ui/format';
import { Icon } from '@/ui/icons';
import { Segments } from '@/ui/segments';
import { EmptyState, ErrorState } from '@/ui/states';
import { DataTable, type Column } from '@/ui/table';
import { ExportButton } from './export';
import { ImportDialog } from './import-dialog';
import { statuses, statusWords } from './logic';
import { SettingsDialog } from './settings-dialog';
import { TokenDialog, TokenTag } from './token-dialog';
import { TokenForm } from './token-form';
import './tokens.css';

const route = getRouteApi('/shell/id-tokens');

const REFRESH_MS = 15_000;
const REST_MS = 250;
/** Places that are named in a row. */
const PLACES_NAMED = 2;

const columns: readonly Column<IdToken>[] = [
  {
    key: 'token',
    label: 'Token',
    sort: (t) => t.id_token,
    cell: (t) => <span className="mono token-id">{t.id_token}</span>,
  },
  { key: 'status', label: 'Status', sort: (t) => t.status, cell: (t) => <TokenTag token={t} /> },
  {
    key: 'note',
    label: 'Note',
    wide: true,
    sort: (t) => t.note || null,
    cell: (t) => <span className="muted truncate token-note">{t.note}</span>,
  },
  {
    key: 'parent',
    label: 'Parent',
    sort: (t) => t.parent,
    cell: (t) =>
      t.parent ? (
        <Link
          to="/id-tokens"
          search={(s) => ({ ...readTokenSearch(s), parent: t.parent ?? undefined })}
          tabIndex={-1}
          className="mono"
        >
          {t.parent}
        </Link>
      ) : (
        <span className="faint">–</span>
      ),
  },
  {
    key: 'group',
    label: 'Price group',
    wide: true,
    sort: (t) => t.group,
    cell: (t) => <span className="muted">{t.group ?? '–'}</span>,
  },
  {
    key: 'where',
    label: 'Good at',
    wide: true,
    sort: (t) => t.only_at.length,
    cell: (t) => (
      <span className="muted" title={t.only_at.join(', ')}>
        {t.only_at.length === 0
          ? 'Everywhere'
          : t.only_at.length > PLACES_NAMED
            ? plural(t.only_at.length, 'place')
            : t.only_at.join(', ')}
      </span>
    ),
  },
  {
    key: 'until',
    label: 'Until',
    wide: true,
    sort: (t) => instant(t.expires_at),
    cell: (t) => <span className="num">{t.expires_at ? dateTime(t.expires_at, true) : 'For good'}</span>,
  },
  {
    key: 'changed',
    label: 'Changed',
    wide: true,
    sort: (t) => instant(t.changed_at),
    cell: (t) => <span className="num muted">{dateTime(t.changed_at)}</span>,
  },
];

/** What is typed is asked for once the fingers rest; the address follows. */
function useTyped(q: string | undefined, settle: (q: string | undefined) => void) {
  const [typed, setTyped] = useState(q ?? '');
  const [seen, setSeen] = useState(q);
  const [sent, setSent] = useState(q);
  if (q !== seen) {
    setSeen(q);
    // Somebody else changed the address: a link, or the way back.
    if (q !== sent) setTyped(q ?? '');
  }
  useEffect(() => {
    const next = typed.trim() || undefined;
    if (next === q) return;
    const timer = setTimeout(() => {
      setSent(next);
      settle(next);
    }, REST_MS);
    return () => clearTimeout(timer);
  }, [typed, q, settle]);
  return [typed, setTyped] as const;
}

/** Who may charge, and on what terms. */
export function TokensPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/id-tokens' });
  const session = useSession();
  const allowed = may(session?.role, 'admin');
  const [dialog, setDialog] = useState<'add' | 'import' | 'settings' | IdToken | null>(null);
  const status = statuses.find((s) => s === search.status);
  const filter = { text: search.q, status, parent: search.parent };
  const { rows, error, retry, more, loadingMore } = useList(tokensQuery(filter), REFRESH_MS);
  const change = useCallback(
    (part: Partial<TokenSearch>, replace = true) =>
      void navigate({ search: (s) => ({ ...s, ...part }), replace }),
    [navigate],
  );
  const settle = useCallback((q: string | undefined) => change({ q }), [change]);
  const [typed, setTyped] = useTyped(search.q, settle);
  const filtered = search.q !== undefined || status !== undefined || search.parent !== undefined;
  const close = () => setDialog(null);
  const closeToken = () => change({ open: undefined });
  return (
    <div className="page page-fill">
      <header className="page-head">
        <div className="titles">
          <h1>Id tokens</h1>
          <p>Who may charge, and on what terms.</p>
        </div>
        <div className="page-actions">
          <Link to="/id-tokens/lists" className="btn">
            <Icon name="stations" size={14} /> Local lists
          </Link>
          <button type="button" className="btn" onClick={() => setDialog('settings')}>
            Unknown tokens
          </button>
          <ExportButton filter={filter} disabled={!rows || rows.length === 0} />
          {allowed && (
            <>
              <button type="button" className="btn" onClick={() => setDialog('import')}>
                <Icon name="upload" size={14} /> Import
              </button>
              <button type="button" className="btn btn-primary" onClick={() => setDialog('add')}>
                <Icon name="plus" size={14} /> Add token
              </button>
            </>
          )}
        </div>
      </header>
      <div className="toolbar">
        <label className="search-field">
          <span className="visually-hidden">Search tokens, vehicles and notes</span>
          <Icon name="filter" size={14} />
          <input
            className="input"
            type="search"
            placeholder="Token, vehicle or note…"
            value={typed}
            onChange={(e) => setTyped(e.target.value)}
          />
        </label>
        <div className="segments-scroll">
          <Segments
            label="Status"
            value={status ?? 'all'}
            options={[
              { value: 'all', label: 'All' },
              ...statuses.map((value) => ({ value: value as string, label: statusWords[value] })),
            ]}
            onChange={(value) => change({ status: value === 'all' ? undefined : value })}
          />
        </div>
        {search.parent !== undefined && (
          <button
            type="button"
            className="chip"
            aria-label={`Parent ${search.parent}: show all parents`}
            onClick={() => change({ parent: undefined })}
          >
            Parent {search.parent} <Icon name="close" size={11} />
          </button>
        )}
        {rows && (
          <span className="tally" role="status">
            {more ? 'More than ' : ''}
            {plural(rows.length, 'token')}
          </span>
        )}
      </div>
      <section className="panel" aria-label="Id tokens">
        {error ? (
          <ErrorState error={error} retry={retry} what="Id tokens" />
        ) : (
          <DataTable
            caption="Id tokens, with status, parent and places"
            columns={columns}
            rows={rows}
            rowKey={(t) => t.id_token}
            onOpen={(t) => change({ open: t.id_token }, false)}
            isSelected={(t) => t.id_token === search.open}
            sort={parseSort(search.sort) ?? { key: 'token', dir: 'asc' }}
            onSort={(sort) => change({ sort: formatSort(sort) })}
            empty={
              filtered ? (
                <EmptyState icon="filter" title="No token matches">
                  Change the filter to see others.
                </EmptyState>
              ) : (
                <EmptyState icon="tokens" title="No id tokens yet">
                  Add them one by one or from a file. Whether a token that is not here may charge is decided
                  under “Unknown tokens”.
                </EmptyState>
              )
            }
            max={2_000}
            foot={
              more && (
                <button type="button" className="btn btn-sm" onClick={more} disabled={loadingMore}>
                  Load more
                </button>
              )
            }
          />
        )}
      </section>
      {search.open !== undefined && dialog === null && (
        <TokenDialog id={search.open} allowed={allowed} onEdit={setDialog} onClose={closeToken} />
      )}
      {dialog === 'import' && <ImportDialog onClose={close} />}
      {dialog === 'settings' && <SettingsDialog allowed={allowed} onClose={close} />}
      {dialog === 'add' && <TokenForm token={null} onClose={close} />}
      {typeof dialog === 'object' && dialog !== null && <TokenForm token={dialog} onClose={close} />}
    </div>
  );
}
