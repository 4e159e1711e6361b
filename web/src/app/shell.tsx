import { Link, Outlet, useNavigate, useRouteContext } from '@tanstack/react-router';
import {
  cloneElement,
  lazy,
  Suspense,
  useCallback,
  useEffect,
  useRef,
  useState,
  type ReactElement,
} from 'react';
import { setUnauthorizedHandler } from '@/api/client';
import type { Session } from '@/api/types';
import { useKpi } from '@/live';
import { Icon, Mark } from '@/ui/icons';
import { AlarmCounts, LinkBanner, LinkStrip } from './link-strip';
import { preloadPages } from './lazy-route-component';
import { navGroups, navItems, tabItems, type NavItem } from './nav';
import { usePreferences } from './preferences';
import { queryClient } from './query-client';
import { router } from './router';
import { noteSessionEnd } from './session-end';
import { useAlarmNotice } from './alarm-sound';
import { useLiveLink } from './use-live-link';

const loadPalette = () => import('./palette');
const Palette = lazy(loadPalette);
const Shortcuts = lazy(() => import('./shortcuts'));
const UserMenu = lazy(() => import('./user-menu'));

/** True while a key belongs to something the user types into. */
function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null
  );
}

interface PaletteState {
  open: boolean;
  /** What was typed before the palette was there to take it. */
  early: { current: string };
  show: () => void;
  close: () => void;
}

function usePalette(): PaletteState {
  const [open, setOpen] = useState(false);
  const early = useRef('');
  const show = useCallback(() => {
    early.current = '';
    setOpen(true);
  }, []);
  const close = useCallback(() => setOpen(false), []);
  return { open, early, show, close };
}

/** What a key does to a text that has no field yet. */
export function typeKey(text: string, key: string): string {
  return key === 'Backspace' ? text.slice(0, -1) : key.length === 1 ? text + key : text;
}

/** Ctrl/Cmd-K and "/" search; "g" then a letter goes to a page; "?" lists them. */
function useShortcuts({ open, early, show: openPalette, close }: PaletteState, help: () => void) {
  const navigate = useNavigate();
  useEffect(() => {
    let armed = 0;
    const onKeyDown = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        openPalette();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const dialog = document.querySelector('[role="dialog"]') !== null;
      if (open && !dialog) {
        // The palette is still on its way: these keys are for it, wherever the focus is.
        event.preventDefault();
        if (event.key === 'Escape') close();
        else early.current = typeKey(early.current, event.key);
        return;
      }
      if (dialog || typing(event.target)) return;
      if (event.key === '?') {
        event.preventDefault();
        help();
      } else if (event.key === '/') {
        event.preventDefault();
        openPalette();
      } else if (event.key === 'g') {
        armed = event.timeStamp;
      } else if (armed && event.timeStamp - armed < 1200) {
        armed = 0;
        const item = navItems.find((i) => i.key === event.key);
        if (item) {
          event.preventDefault();
          void navigate({ to: item.to });
        }
      }
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [navigate, open, early, openPalette, close, help]);
}

/** A refused call means the session ended: back to sign-in, and here again afterwards. */
function useSessionEnd() {
  useEffect(() => {
    setUnauthorizedHandler(() => {
      noteSessionEnd();
      queryClient.clear();
      void router.invalidate();
    });
    return () => setUnauthorizedHandler(null);
  }, []);
}

/** Fetches what was not opened yet while nothing else is to do. */
function usePreload() {
  useEffect(() => {
    const run = () => {
      void loadPalette().catch(() => undefined);
      void preloadPages();
    };
    // Safari has no idle callback.
    if (typeof requestIdleCallback !== 'function') {
      const timer = setTimeout(run, 2_000);
      return () => clearTimeout(timer);
    }
    const idle = requestIdleCallback(run, { timeout: 4_000 });
    return () => cancelIdleCallback(idle);
  }, []);
}

function useNavCounts(): Partial<Record<NavItem['to'], { n: number; label: string }>> {
  const kpi = useKpi();
  if (!kpi) return {};
  return {
    '/alarms': { n: kpi.alarms.unacknowledged, label: 'not acknowledged' },
    '/claims': { n: kpi.claims, label: 'waiting' },
  };
}

function NavCount({ count }: { count: { n: number; label: string } | undefined }) {
  if (!count || count.n === 0) return null;
  return (
    <span className="nav-count">
      {count.n > 99 ? '99+' : count.n}
      <span className="visually-hidden"> {count.label}</span>
    </span>
  );
}

function SideNav() {
  const counts = useNavCounts();
  return (
    <nav className="nav" aria-label="Main">
      <Link to="/" className="nav-brand" aria-label="Voltwin, operations">
        <Mark />
        <span>Voltwin</span>
      </Link>
      <div className="nav-groups">
        {navGroups.map((group) => (
          <div key={group} role="group" aria-label={group}>
            <div className="nav-group" aria-hidden="true">
              {group}
            </div>
            <ul>
              {navItems
                .filter((item) => item.group === group)
                .map((item) => (
                  <li key={item.to}>
                    <Link
                      to={item.to}
                      className="nav-link"
                      activeOptions={{ exact: item.to === '/', includeSearch: false }}
                      activeProps={{ 'aria-current': 'page' }}
                      aria-label={counts[item.to]?.n ? undefined : item.label}
                      title={item.label}
                    >
                      <Icon name={item.icon} />
                      <span>{item.label}</span>
                      <NavCount count={counts[item.to]} />
                    </Link>
                  </li>
                ))}
            </ul>
          </div>
        ))}
      </div>
      <div className="nav-foot">
        <div className="nav-hint" aria-hidden="true">
          <span className="kbd">?</span> shows the keys
        </div>
      </div>
    </nav>
  );
}

function TabBar({ session }: { session: Session }) {
  const counts = useNavCounts();
  const more = (
    <button type="button">
      <Icon name="more" size={20} />
      More
    </button>
  );
  return (
    <nav className="tabbar" aria-label="Main">
      {tabItems.map((item) => (
        <Link
          key={item.to}
          to={item.to}
          activeOptions={{ exact: item.to === '/', includeSearch: false }}
          activeProps={{ 'aria-current': 'page' }}
        >
          <Icon name={item.icon} size={20} />
          {item.label}
          <NavCount count={counts[item.to]} />
        </Link>
      ))}
      <AccountMenu session={session} trigger={more} withPages />
    </nav>
  );
}

/** The menu comes when the page stands; pressed before that, it opens as soon as it is there. */
function AccountMenu({
  session,
  trigger,
  withPages = false,
}: {
  session: Session;
  trigger: ReactElement<{ onClick?: () => void }>;
  withPages?: boolean;
}) {
  const [early, setEarly] = useState(false);
  return (
    <Suspense fallback={cloneElement(trigger, { onClick: () => setEarly(true) })}>
      <UserMenu session={session} withPages={withPages} defaultOpen={early}>
        {trigger}
      </UserMenu>
    </Suspense>
  );
}

function ThemeToggle() {
  const { theme, setTheme } = usePreferences();
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <button
      type="button"
      className="btn btn-ghost btn-icon only-wide"
      aria-label={`Use the ${other} theme`}
      title={`Use the ${other} theme`}
      onClick={() => setTheme(other)}
    >
      <Icon name={theme === 'dark' ? 'sun' : 'moon'} />
    </button>
  );
}

function FullScreenToggle() {
  const [full, setFull] = useState(document.fullscreenElement !== null);
  useEffect(() => {
    const update = () => setFull(document.fullscreenElement !== null);
    document.addEventListener('fullscreenchange', update);
    return () => document.removeEventListener('fullscreenchange', update);
  }, []);
  if (!document.fullscreenEnabled) return null;
  return (
    <button
      type="button"
      className="btn btn-ghost btn-icon only-wide"
      aria-pressed={full}
      aria-label="Full screen"
      title="Full screen"
      onClick={() =>
        void (full ? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(
          () => undefined,
        )
      }
    >
      <Icon name="fullscreen" />
    </button>
  );
}

function TopBar({ session, onSearch }: { session: Session; onSearch: () => void }) {
  const mac = /mac|iphone|ipad/i.test(navigator.userAgent);
  const user = (
    <button type="button" className="user-button">
      <span className="avatar" aria-hidden="true">
        {session.tenant.slice(0, 2)}
      </span>
      <span className="user-name truncate">{session.tenant}</span>
      <span className="visually-hidden">, account of {session.user}</span>
      <Icon name="chevronDown" size={12} />
    </button>
  );
  return (
    <header className="topbar">
      <Link to="/" className="topbar-brand" aria-label="Voltwin, operations">
        <Mark />
      </Link>
      <button type="button" className="topbar-search" onClick={onSearch} aria-keyshortcuts="Control+K">
        <Icon name="search" size={15} />
        <span>Search</span>
        <span className="kbd" aria-hidden="true">
          {mac ? '⌘K' : 'Ctrl K'}
        </span>
      </button>
      <div className="topbar-strip">
        <LinkStrip />
        <span className="topbar-rule" aria-hidden="true" />
        <AlarmCounts />
        <span className="topbar-rule" aria-hidden="true" />
        <div className="topbar-actions">
          <ThemeToggle />
          <FullScreenToggle />
          <AccountMenu session={session} trigger={user} />
        </div>
      </div>
    </header>
  );
}

/** The frame of the control room; the page stands in its middle. */
export function Shell() {
  const { session } = useRouteContext({ from: '/shell' });
  const palette = usePalette();
  const [keysOpen, setKeysOpen] = useState(false);
  const showKeys = useCallback(() => setKeysOpen(true), []);
  useShortcuts(palette, showKeys);
  usePreload();
  useSessionEnd();
  useLiveLink();
  useAlarmNotice();
  return (
    <div className="shell">
      <a href="#main" className="btn skip-link">
        Skip to content
      </a>
      <SideNav />
      <TopBar session={session} onSearch={palette.show} />
      <main id="main" className="main" tabIndex={-1}>
        <LinkBanner />
        <Outlet />
      </main>
      <TabBar session={session} />
      {keysOpen && (
        <Suspense fallback={null}>
          <Shortcuts onClose={() => setKeysOpen(false)} />
        </Suspense>
      )}
      {palette.open && (
        <Suspense fallback={null}>
          <Palette early={palette.early} onClose={palette.close} />
        </Suspense>
      )}
    </div>
  );
}
