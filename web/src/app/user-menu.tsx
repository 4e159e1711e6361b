import { useNavigate, useRouter } from '@tanstack/react-router';
import { DropdownMenu as Menu } from 'radix-ui';
import type { ReactNode } from 'react';
import { ApiError } from '@/api/client';
import type { Session } from '@/api/types';
import { Icon } from '@/ui/icons';
import { toast } from '@/ui/toast';
import { navItems, tabItems } from './nav';
import { usePreferences } from './preferences';
import { signOut } from './session';

/** Who is signed in and for which tenant, and the way out; on a phone also the pages without a tab. */
export default function UserMenu({
  session,
  children,
  withPages = false,
  defaultOpen = false,
}: {
  session: Session;
  children: ReactNode;
  withPages?: boolean;
  /** Whether it was asked for before it was there. */
  defaultOpen?: boolean;
}) {
  const router = useRouter();
  const navigate = useNavigate();
  const { theme, setTheme } = usePreferences();

  const leave = async () => {
    try {
      await signOut();
    } catch (error) {
      // A session that is gone already is signed out.
      if (!(error instanceof ApiError && error.status === 401)) {
        toast('Signing out failed', {
          tone: 'bad',
          detail: error instanceof Error ? error.message : undefined,
        });
        return;
      }
    }
    await router.invalidate();
    await navigate({ to: '/sign-in' });
  };

  return (
    <Menu.Root defaultOpen={defaultOpen}>
      <Menu.Trigger asChild>{children}</Menu.Trigger>
      <Menu.Portal>
        <Menu.Content className="menu" align="end" sideOffset={6} collisionPadding={8}>
          <div className="menu-label">
            <strong style={{ color: 'var(--text-primary)' }}>{session.user}</strong>
            <div>
              {session.tenant} · {session.role}
            </div>
          </div>
          <Menu.Separator className="menu-separator" />
          {withPages &&
            navItems
              .filter((item) => !tabItems.includes(item))
              .map((item) => (
                <Menu.Item
                  key={item.to}
                  className="menu-item"
                  onSelect={() => void navigate({ to: item.to })}
                >
                  <Icon name={item.icon} /> {item.label}
                </Menu.Item>
              ))}
          {withPages && <Menu.Separator className="menu-separator" />}
          <Menu.Item className="menu-item" onSelect={() => setTheme(theme === 'dark' ? 'light' : 'dark')}>
            <Icon name={theme === 'dark' ? 'sun' : 'moon'} />{' '}
            {theme === 'dark' ? 'Light theme' : 'Dark theme'}
          </Menu.Item>
          <Menu.Item className="menu-item" onSelect={() => void leave()}>
            <Icon name="signOut" /> Sign out
          </Menu.Item>
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}
