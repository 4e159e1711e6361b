import { days, type Element, type Kind, type Restrictions } from '@/api/tariffs';

/** A part of a day in which one price holds, in minutes since midnight. */
export interface Slot {
  from: number;
  to: number;
  /** The element that gives the price whatever the session is like; null where none does. */
  element: number | null;
  /** Price without tax; null where nothing is charged. */
  price: string | null;
  /** Elements that go before it where the session is as they ask: by energy, power, current or age. */
  unless: number[];
}

const DAY_MIN = 1440;

function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

/** Whether it depends on the session, and not on the time alone. */
function conditional(r: Restrictions): boolean {
  return (
    r.min_energy_wh !== undefined ||
    r.max_energy_wh !== undefined ||
    r.min_power_w !== undefined ||
    r.max_power_w !== undefined ||
    r.min_current_a !== undefined ||
    r.max_current_a !== undefined ||
    r.min_duration_s !== undefined ||
    r.max_duration_s !== undefined
  );
}

/** Whether the restrictions by date, day and time of day hold; an end that is not after its start is on the next day. */
function holds(r: Restrictions, date: string, day: number, minute: number): boolean {
  if (r.reservation) return false;
  if (r.start_date && date < r.start_date) return false;
  if (r.end_date && date >= r.end_date) return false;
  const name = days[day];
  if (r.days && r.days.length > 0 && name && !r.days.includes(name)) return false;
  const start = r.start_time ? minuteOf(r.start_time) : 0;
  const end = r.end_time ? minuteOf(r.end_time) : DAY_MIN;
  return start < end ? minute >= start && minute < end : minute >= start || minute < end;
}

function slotAt(elements: readonly Element[], kind: Kind, date: string, day: number, minute: number) {
  const unless: number[] = [];
  for (const [index, element] of elements.entries()) {
    const component = element.components.find((c) => c.kind === kind);
    const r = element.restrictions ?? {};
    if (!component || !holds(r, date, day, minute)) continue;
    if (!conditional(r)) return { element: index, price: component.price, unless };
    unless.push(index);
  }
  return { element: null, price: null, unless };
}

/** The Monday of the week of a date (`YYYY-MM-DD`), and the six days after it. */
export function weekOf(date: string): string[] {
  const at = new Date(`${date.slice(0, 10)}T00:00:00Z`);
  const monday = at.getTime() - ((at.getUTCDay() + 6) % 7) * 86_400_000;
  return days.map((_, i) => new Date(monday + i * 86_400_000).toISOString().slice(0, 10));
}

/** Which price of a kind holds when in the week of these dates: seven days of slots that follow each other. */
export function week(elements: readonly Element[], kind: Kind, dates: readonly string[]): Slot[][] {
  const edges = elements.flatMap(({ restrictions: r }) =>
    [r?.start_time, r?.end_time].flatMap((time) => (time ? [minuteOf(time)] : [])),
  );
  const cuts = [...new Set([0, ...edges])].toSorted((a, b) => a - b);
  return dates.map((date, day) => {
    const slots: Slot[] = [];
    for (const [i, from] of cuts.entries()) {
      const to = cuts[i + 1] ?? DAY_MIN;
      const found = slotAt(elements, kind, date, day, from);
      const last = slots.at(-1);
      if (last && last.element === found.element && last.unless.join() === found.unless.join()) last.to = to;
      else slots.push({ from, to, ...found });
    }
    return slots;
  });
}

/** 480 reads 08:00; the end of a day reads 24:00. */
export function clock(minute: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}
