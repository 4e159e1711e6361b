import { useState, type CSSProperties } from 'react';
import type { Kind, TariffSpec } from '@/api/tariffs';
import { Segments } from '@/ui/segments';
import { kindWord, perWord } from './money';
import { clock, week, weekOf, type Slot } from './week';
import './week-view.css';

const kinds: readonly Kind[] = ['energy', 'time', 'parking', 'flat'];
/** Steps of the colour of a price; with more prices than these the nearest share one. */
const STEPS = 4;
/** Below this many minutes a price does not fit into its slot. */
const TEXT_MIN = 150;

const dayName = new Intl.DateTimeFormat('en', { weekday: 'short', day: 'numeric', timeZone: 'UTC' });

function sayOf(slot: Slot): string {
  const group = slot.element === null ? '' : `, group ${slot.element + 1}`;
  const unless =
    slot.unless.length > 0
      ? `, unless group ${slot.unless.map((i) => i + 1).join(' or ')} fits the session`
      : '';
  return `${clock(slot.from)} to ${clock(slot.to)}: ${slot.price ?? 'free'}${group}${unless}`;
}

/** A place from 0, the cheapest, to 1, the dearest of the week; null where nothing is charged. */
function dearness(price: string | null, prices: readonly number[]): number | null {
  if (price === null || !(Number(price) > 0)) return null;
  const low = Math.min(...prices);
  const high = Math.max(...prices);
  return high === low ? 0.5 : (Number(price) - low) / (high - low);
}

function Day({ date, slots, prices }: { date: string; slots: readonly Slot[]; prices: readonly number[] }) {
  return (
    <li>
      <span className="week-day">{dayName.format(new Date(`${date}T00:00:00Z`))}</span>
      <ol className="week-slots">
        {slots.map((slot) => {
          const share = dearness(slot.price, prices);
          const minutes = slot.to - slot.from;
          return (
            <li
              key={slot.from}
              style={{ '--minutes': minutes } as CSSProperties}
              data-step={share === null ? 'free' : Math.round(share * (STEPS - 1))}
              data-unless={slot.unless.length > 0}
              title={sayOf(slot)}
            >
              <span className="visually-hidden">{sayOf(slot)}</span>
              {minutes >= TEXT_MIN && <span aria-hidden="true">{slot.price ?? 'free'}</span>}
            </li>
          );
        })}
      </ol>
    </li>
  );
}

/** Which price holds when, in the week of a date. */
export function WeekView({ spec, date }: { spec: TariffSpec; date: string }) {
  const offered = kinds.filter((kind) =>
    spec.elements.some((e) => e.components.some((c) => c.kind === kind)),
  );
  const [chosen, setKind] = useState<Kind>('energy');
  const kind = offered.includes(chosen) ? chosen : (offered[0] ?? 'energy');
  const dates = weekOf(date);
  const rows = week(spec.elements, kind, dates);
  const prices = rows.flat().flatMap((slot) => (Number(slot.price) > 0 ? [Number(slot.price)] : []));
  const depends = rows.flat().some((slot) => slot.unless.length > 0);
  return (
    <section className="panel" aria-labelledby="week">
      <header className="panel-head">
        <h2 id="week">Which price holds when</h2>
        <span className="aside">
          {spec.currency} {perWord[kind]}, without tax
        </span>
      </header>
      <div className="week">
        {offered.length > 1 && (
          <div className="segments-scroll">
            <Segments<Kind>
              label="Price of"
              value={kind}
              onChange={setKind}
              options={offered.map((value) => ({ value, label: kindWord[value] }))}
            />
          </div>
        )}
        <ol className="week-days" aria-label={`Price of ${kindWord[kind].toLowerCase()}, day by day`}>
          {dates.map((day, i) => (
            <Day key={day} date={day} slots={rows[i] ?? []} prices={prices} />
          ))}
        </ol>
        <div className="week-hours" aria-hidden="true">
          {['00', '06', '12', '18', '24'].map((hour) => (
            <span key={hour}>{hour}</span>
          ))}
        </div>
        <p className="sub">
          The week of {dates[0]}, in the time of the site.
          {depends && ' Hatched: another group goes before where the session fits it.'}
          {kind === 'flat' && ' Billed once, by the group that holds at the start.'}
        </p>
      </div>
    </section>
  );
}
