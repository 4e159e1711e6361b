import type { IconName } from '@/ui/icons';

/** What belongs together stands together; the groups in their order. */
export const navGroups = ['Network', 'Charging', 'Protocol', 'System'] as const;
export type NavGroup = (typeof navGroups)[number];

export interface NavItem {
  to:
    | '/'
    | '/stations'
    | '/vehicles'
    | '/batteries'
    | '/transactions'
    | '/tariffs'
    | '/partners'
    | '/uptime'
    | '/messages'
    | '/bulk'
    | '/campaigns'
    | '/id-tokens'
    | '/violations'
    | '/recordings'
    | '/alarms'
    | '/claims'
    | '/graph'
    | '/swap'
    | '/audit'
    | '/api-docs';
  label: string;
  icon: IconName;
  /** `g` then this letter goes there. */
  key: string;
  group: NavGroup;
}

export const navItems: readonly NavItem[] = [
  { to: '/', label: 'Operations', icon: 'operations', key: 'o', group: 'Network' },
  { to: '/stations', label: 'Stations', icon: 'stations', key: 's', group: 'Network' },
  { to: '/vehicles', label: 'Vehicles', icon: 'vehicles', key: 'v', group: 'Network' },
  { to: '/batteries', label: 'Batteries', icon: 'battery', key: 'y', group: 'Network' },
  { to: '/alarms', label: 'Alarms', icon: 'alarms', key: 'a', group: 'Network' },
  { to: '/graph', label: 'Twin graph', icon: 'graph', key: 'e', group: 'Network' },
  { to: '/swap', label: 'Swap planning', icon: 'swap', key: 'k', group: 'Network' },
  { to: '/uptime', label: 'Uptime', icon: 'uptime', key: 'u', group: 'Network' },
  { to: '/bulk', label: 'Bulk commands', icon: 'bulk', key: 'b', group: 'Network' },
  { to: '/campaigns', label: 'Firmware campaigns', icon: 'campaigns', key: 'n', group: 'Network' },
  { to: '/transactions', label: 'Transactions', icon: 'transactions', key: 't', group: 'Charging' },
  { to: '/id-tokens', label: 'Id tokens', icon: 'tokens', key: 'i', group: 'Charging' },
  { to: '/tariffs', label: 'Tariffs', icon: 'tariffs', key: 'f', group: 'Charging' },
  { to: '/partners', label: 'Partners', icon: 'partners', key: 'r', group: 'Charging' },
  { to: '/messages', label: 'Messages', icon: 'messages', key: 'm', group: 'Protocol' },
  { to: '/violations', label: 'Violations', icon: 'violations', key: 'x', group: 'Protocol' },
  { to: '/recordings', label: 'Recordings', icon: 'record', key: 'w', group: 'Protocol' },
  { to: '/claims', label: 'Claims', icon: 'claims', key: 'c', group: 'System' },
  { to: '/audit', label: 'Audit', icon: 'audit', key: 'l', group: 'System' },
  { to: '/api-docs', label: 'API', icon: 'api', key: 'p', group: 'System' },
];

/** On a phone these have a tab; the others are under "More". */
export const tabItems: readonly NavItem[] = navItems.filter((item) =>
  ['/', '/stations', '/vehicles', '/alarms'].includes(item.to),
);
