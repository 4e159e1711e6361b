import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Dialog as Radix } from 'radix-ui';
import { useDeferredValue, useId, useRef, useState, type KeyboardEvent } from 'react';
import { sceneQuery, searchQuery } from '@/api/queries';
import type { SearchHit } from '@/api/types';
import { placeOf } from './names';
import { useFocusReturn } from '@/ui/dialog';
import { Icon, type IconName } from '@/ui/icons';
import { navItems } from './nav';

interface Entry {
  key: string;
  group: string;
  icon: IconName;
  title: string;
  subtitle: string | null;
  run: () => void;
}

const hitIcon: Record<SearchHit['kind'], IconName> = {
  station: 'stations',
  vehicle: 'vehicles',
  transaction: 'transactions',
  alarm: 'alarms',
  twin: 'cube',
};

const hitGroup: Record<SearchHit['kind'], string> = {
  station: 'Stations',
  vehicle: 'Vehicles',
  transaction: 'Transactions',
  alarm: 'Alarms',
  twin: 'Other twins',
};

/** Search and go, by keyboard: type, arrows, Enter. */
export default function Palette({ early, onClose }: { early: { current: string }; onClose: () => void }) {
  const navigate = useNavigate();
  const giveBack = useFocusReturn();
  const client = useQueryClient();
  // What a hit that is no station or vehicle belongs to.
  useQuery(sceneQuery);
  const [text, setText] = useState(() => early.current);
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const base = useId();
  const q = useDeferredValue(text.trim());
  const { data, isFetching, isError } = useQuery({
    ...searchQuery(q),
    placeholderData: (previous) => previous,
  });

  /** Zones are chosen in the network; a place opens its stations, and what belongs to a station opens that. */
  const openTwin = (hit: SearchHit) => {
    const scene = client.getQueryData(sceneQuery.queryKey);
    const station = scene?.stations.find((s) => hit.id.startsWith(`${s.id}:`));
    if (scene?.zones.some((zone) => zone.id === hit.id))
      void navigate({ to: '/', search: { sel: `zone:${hit.id}` } });
    else if (station) void navigate({ to: '/stations/$stationId', params: { stationId: station.id } });
    else if (placeOf(scene, hit.id) !== null)
      void navigate({ to: '/stations', search: { q: placeOf(scene, hit.id) ?? undefined } });
    else void navigate({ to: '/vehicles', search: { q: hit.id } });
  };

  const open = (hit: SearchHit) => {
    if (hit.kind === 'station') void navigate({ to: '/stations/$stationId', params: { stationId: hit.id } });
    else if (hit.kind === 'vehicle')
      void navigate({ to: '/vehicles/$vehicleId', params: { vehicleId: hit.id } });
    else if (hit.kind === 'transaction')
      void navigate({ to: '/transactions/$number', params: { number: hit.id } });
    else if (hit.kind === 'alarm') void navigate({ to: '/alarms', search: { q: hit.title } });
    else openTwin(hit);
  };

  const pages: Entry[] = navItems
    .filter((item) => item.label.toLowerCase().includes(q.toLowerCase()))
    .map((item) => ({
      key: item.to,
      group: 'Go to',
      icon: item.icon,
      title: item.label,
      subtitle: `G then ${item.key.toUpperCase()}`,
      run: () => void navigate({ to: item.to }),
    }));
  const order = Object.keys(hitGroup) as SearchHit['kind'][];
  const hits: Entry[] = (q ? (data?.items ?? []) : [])
    .toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
    .map((hit) => ({
      key: `${hit.kind}:${hit.id}`,
      group: hitGroup[hit.kind],
      icon: hitIcon[hit.kind],
      title: hit.title,
      subtitle: hit.subtitle,
      run: () => open(hit),
    }));
  const entries = [...hits, ...pages];
  const current = Math.min(at, Math.max(0, entries.length - 1));

  const go = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.run();
  };

  const move = (to: number) => {
    setAt(to);
    list.current?.querySelector(`[data-index="${to}"]`)?.scrollIntoView({ block: 'nearest' });
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const last = entries.length - 1;
    if (event.key === 'ArrowDown') move(current >= last ? 0 : current + 1);
    else if (event.key === 'ArrowUp') move(current <= 0 ? last : current - 1);
    else if (event.key === 'Home') move(0);
    else if (event.key === 'End') move(last);
    else if (event.key === 'Enter') go(entries[current]);
    else return;
    event.preventDefault();
  };

  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="scrim" />
        <Radix.Content className="dialog palette" aria-describedby={undefined} onCloseAutoFocus={giveBack}>
          <Radix.Title className="visually-hidden">Search</Radix.Title>
          <div className="palette-input">
            <Icon name="search" size={18} />
            <input
              value={text}
              onChange={(e) => {
                setText(e.target.value);
                setAt(0);
              }}
              onKeyDown={onKeyDown}
              placeholder="Search stations, vehicles, transactions, alarms…"
              aria-label="Search stations, vehicles, transactions and alarms"
              role="combobox"
              aria-expanded="true"
              aria-controls={`${base}-list`}
              aria-activedescendant={entries[current] ? `${base}-${current}` : undefined}
              aria-autocomplete="list"
              autoComplete="off"
              spellCheck={false}
            />
            <span className="kbd">Esc</span>
          </div>
          <div ref={list} className="palette-list" id={`${base}-list`} role="listbox" aria-label="Results">
            {entries.map((entry, i) => (
              <div key={entry.key} role="presentation">
                {entry.group !== entries[i - 1]?.group && (
                  <div className="palette-group" role="presentation">
                    {entry.group}
                  </div>
                )}
                <div
                  id={`${base}-${i}`}
                  data-index={i}
                  role="option"
                  aria-selected={i === current}
                  className="palette-item"
                  onPointerMove={() => setAt(i)}
                  onClick={() => go(entry)}
                >
                  <Icon name={entry.icon} />
                  <span className="truncate">{entry.title}</span>
                  {entry.subtitle && <span className="sub truncate">{entry.subtitle}</span>}
                </div>
              </div>
            ))}
            {entries.length === 0 && (
              <div className="state state-inline" role="presentation">
                {isFetching
                  ? 'Searching…'
                  : isError
                    ? 'The search did not answer.'
                    : `Nothing matches “${q}”.`}
              </div>
            )}
          </div>
          <div className="palette-foot" aria-hidden="true">
            <span>
              <span className="kbd">↑</span>
              <span className="kbd">↓</span> move
            </span>
            <span>
              <span className="kbd">↵</span> open
            </span>
            <span className="visually-hidden">{entries.length} results</span>
          </div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
