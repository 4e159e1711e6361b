import type { IconName } from '@/ui/icons';

export interface NavItem {
  to:
    | '/'
    | '/stations'
    | '/vehicles'
    | '/transactions'
    | '/tariffs'
    | '/uptime'
    | '/messages'
    | '/bulk'
    | '/alarms'
    | '/claims'
    | '/api-docs';
  label: string;
  icon: IconName;
  /** `g` then this letter goes there. */
  key: string;
}

export const navItems: readonly NavItem[] = [
  { to: '/', label: 'Operations', icon: 'operations', key: 'o' },
  { to: '/stations', label: 'Stations', icon: 'stations', key: 's' },
  { to: '/vehicles', label: 'Vehicles', icon: 'vehicles', key: 'v' },
  { to: '/transactions', label: 'Transactions', icon: 'transactions', key: 't' },
  { to: '/tariffs', label: 'Tariffs', icon: 'tariffs', key: 'f' },
  { to: '/uptime', label: 'Uptime', icon: 'uptime', key: 'u' },
  { to: '/messages', label: 'Messages', icon: 'messages', key: 'm' },
  { to: '/bulk', label: 'Bulk commands', icon: 'bulk', key: 'b' },
  { to: '/alarms', label: 'Alarms', icon: 'alarms', key: 'a' },
  { to: '/claims', label: 'Claims', icon: 'claims', key: 'c' },
  { to: '/api-docs', label: 'API', icon: 'api', key: 'p' },
];
