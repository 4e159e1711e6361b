import { lazy, type ComponentType, type LazyExoticComponent } from 'react';
import type { Station } from '@/api/types';
import type { CommandTarget } from './commands';

/** What the frame of the station page gives each tab. */
export interface TabProps {
  station: Station;
  /** Opens the dialog of a neutral command. */
  onCommand: (target: CommandTarget) => void;
}

export interface StationTab {
  id: string;
  label: string;
  component: LazyExoticComponent<ComponentType<TabProps>>;
}

/** The first tab is the address without a tab. */
export const OVERVIEW = 'overview';

/** The tabs in their order. A further one is a line here and a component that takes {@link TabProps}. */
export const stationTabs: readonly StationTab[] = [
  { id: OVERVIEW, label: 'Overview', component: lazy(() => import('./overview-tab')) },
  { id: 'device-model', label: 'Device model', component: lazy(() => import('./device-model-tab')) },
  { id: 'charging', label: 'Charging', component: lazy(() => import('./charging-tab')) },
  { id: 'commands', label: 'Commands', component: lazy(() => import('./commands-tab')) },
  { id: 'messages', label: 'Messages', component: lazy(() => import('./messages-tab')) },
  { id: 'firmware', label: 'Firmware & logs', component: lazy(() => import('./firmware-tab')) },
  { id: 'security', label: 'Security', component: lazy(() => import('./security-tab')) },
  { id: 'history', label: 'History', component: lazy(() => import('./history-tab')) },
];

/** The tab of an address; the overview for one that is not there. */
export function tabOf(name: string | undefined): StationTab {
  const tab = stationTabs.find((t) => t.id === name) ?? stationTabs[0];
  if (!tab) throw new Error('the station page has no tabs');
  return tab;
}

/** Where an arrow key goes from a tab: around the strip, or to its ends. Null for every other key. */
export function tabStep(key: string, at: number, count: number): number | null {
  switch (key) {
    case 'ArrowRight':
      return (at + 1) % count;
    case 'ArrowLeft':
      return (at - 1 + count) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}
