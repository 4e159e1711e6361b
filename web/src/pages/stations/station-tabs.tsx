import { Link } from '@tanstack/react-router';
import { useEffect, useRef, type KeyboardEvent } from 'react';
import type { Station } from '@/api/types';
import { OVERVIEW, stationTabs, tabStep } from './tabs';
import './station.css';

export const panelId = 'station-panel';
export const tabId = (id: string) => `station-tab-${id}`;

/**
 * The tabs as links: each has an address and opens in a window of its own. One is in the tab order; arrows, Home and
 * End move among them, Enter follows. On a phone the strip scrolls and keeps the current one in sight.
 */
export function StationTabs({ station, current }: { station: Station; current: string }) {
  const strip = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = strip.current;
    const tab = box?.querySelector<HTMLElement>('[aria-selected="true"]');
    if (box && tab) box.scrollLeft = tab.offsetLeft - (box.clientWidth - tab.offsetWidth) / 2;
  }, [current]);
  const onKeyDown = (event: KeyboardEvent) => {
    const tabs = [...(strip.current?.querySelectorAll<HTMLElement>('[role="tab"]') ?? [])];
    const at = tabs.findIndex((tab) => tab === document.activeElement);
    const to = at < 0 ? null : tabStep(event.key, at, tabs.length);
    if (to === null) return;
    event.preventDefault();
    tabs[to]?.focus();
    tabs[to]?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  };
  return (
    <div
      ref={strip}
      className="tabs"
      role="tablist"
      aria-label={`Parts of station ${station.id}`}
      onKeyDown={onKeyDown}
    >
      {stationTabs.map((tab) => {
        const props = {
          id: tabId(tab.id),
          role: 'tab',
          'aria-selected': tab.id === current,
          'aria-controls': tab.id === current ? panelId : undefined,
          tabIndex: tab.id === current ? 0 : -1,
          className: 'tab',
          draggable: false,
        };
        return tab.id === OVERVIEW ? (
          <Link key={tab.id} {...props} to="/stations/$stationId" params={{ stationId: station.id }}>
            {tab.label}
          </Link>
        ) : (
          <Link
            key={tab.id}
            {...props}
            to="/stations/$stationId/$tab"
            params={{ stationId: station.id, tab: tab.id }}
          >
            {tab.label}
          </Link>
        );
      })}
    </div>
  );
}
