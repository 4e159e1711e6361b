import type { Component, Day, Element, Kind, Reservation, Restrictions, TariffSpec } from '@/api/tariffs';
import { shiftLeft, shiftRight } from './money';

/**
 * A tariff as a person writes it: every number the text that stands in its field, energy in kWh, power in kW, time in
 * minutes. {@link toSpec} makes of it what is sent, and says of each field why it cannot be.
 */
export interface Draft {
  currency: string;
  min: LimitDraft;
  max: LimitDraft;
  /** Minutes of each stretch of idle time that are free. */
  grace: string;
  rounding: 'line' | 'total';
  texts: { language: string; text: string }[];
  url: string;
  /** As a `datetime-local` field has them. */
  validFrom: string;
  validTo: string;
  elements: ElementDraft[];
}

export interface LimitDraft {
  net: string;
  gross: string;
}

export interface ComponentDraft {
  kind: Kind;
  price: string;
  tax: string;
  /** Watt-hours or seconds. */
  step: string;
}

/** From the first on, and below the second. */
export type RangeDraft = readonly [from: string, below: string];
export type RangeName = 'energy' | 'power' | 'current' | 'duration';

export interface WhenDraft extends Record<RangeName, RangeDraft> {
  startTime: string;
  endTime: string;
  startDate: string;
  endDate: string;
  days: Day[];
  reservation: Reservation | '';
}

export interface ElementDraft {
  components: ComponentDraft[];
  when: WhenDraft;
}

/** Why a field cannot be sent, by its name in the API, such as `elements[0].components[1].price`. */
export type Problems = ReadonlyMap<string, string>;

const kinds: readonly Kind[] = ['energy', 'time', 'parking', 'flat'];
const ALWAYS: WhenDraft = {
  startTime: '',
  endTime: '',
  startDate: '',
  endDate: '',
  days: [],
  energy: ['', ''],
  power: ['', ''],
  current: ['', ''],
  duration: ['', ''],
  reservation: '',
};

/** A decimal as a person types it: digits, and a point or a comma. */
export function readDecimal(text: string, places = 6): string | null {
  const plain = text.trim().replace(',', '.');
  const match = /^\d{1,9}(?:\.(\d+))?$/.exec(plain);
  return match && (match[1]?.length ?? 0) <= places ? plain : null;
}

/** Minutes, or minutes and seconds as `1:30`, in seconds. */
export function readMinutes(text: string): number | null {
  const match = /^(\d{1,6})(?::([0-5]\d))?$/.exec(text.trim());
  return match ? Number(match[1]) * 60 + Number(match[2] ?? 0) : null;
}

export function printMinutes(seconds: number): string {
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`;
}

/** A kind that the element has no price of yet; null when it has all. */
export function nextKind(element: ElementDraft): Kind | null {
  return kinds.find((kind) => !element.components.some((c) => c.kind === kind)) ?? null;
}

export function newElement(): ElementDraft {
  return { components: [{ kind: 'energy', price: '0', tax: '', step: '' }], when: ALWAYS };
}

/** An instant as a `datetime-local` field shows it, in local time. */
function local(at: string | undefined): string {
  const ms = Date.parse(at ?? '');
  if (Number.isNaN(ms)) return '';
  const text = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString();
  return text.slice(0, text.slice(17, 19) === '00' ? 16 : 19);
}

function whenOf(r: Restrictions | undefined): WhenDraft {
  if (!r) return ALWAYS;
  const thousandth = (value: string | undefined) => (value === undefined ? '' : shiftLeft(value, 3));
  const minutes = (value: number | undefined) => (value === undefined ? '' : printMinutes(value));
  return {
    startTime: r.start_time ?? '',
    endTime: r.end_time ?? '',
    startDate: r.start_date ?? '',
    endDate: r.end_date ?? '',
    days: r.days ?? [],
    energy: [thousandth(r.min_energy_wh), thousandth(r.max_energy_wh)],
    power: [thousandth(r.min_power_w), thousandth(r.max_power_w)],
    current: [r.min_current_a ?? '', r.max_current_a ?? ''],
    duration: [minutes(r.min_duration_s), minutes(r.max_duration_s)],
    reservation: r.reservation ?? '',
  };
}

/** The tariff as it is saved, to be changed. */
export function toDraft(spec: TariffSpec): Draft {
  return {
    currency: spec.currency,
    min: { net: spec.min_price?.net ?? '', gross: spec.min_price?.gross ?? '' },
    max: { net: spec.max_price?.net ?? '', gross: spec.max_price?.gross ?? '' },
    grace: printMinutes(spec.idle_grace_s ?? 0),
    rounding: spec.rounding ?? 'line',
    texts: spec.texts ?? [],
    url: spec.url ?? '',
    validFrom: local(spec.valid_from),
    validTo: local(spec.valid_to),
    elements: spec.elements.map((element) => ({
      components: element.components.map((c) => ({
        kind: c.kind,
        price: c.price,
        tax: c.tax_percent ?? '',
        step: c.step === undefined || c.step === 1 ? '' : String(c.step),
      })),
      when: whenOf(element.restrictions),
    })),
  };
}

/** Reads fields one by one, and keeps why one cannot be read. */
class Reader {
  readonly problems = new Map<string, string>();

  say(at: string, problem: string): undefined {
    if (!this.problems.has(at)) this.problems.set(at, problem);
    return undefined;
  }

  /** A decimal, or nothing where nothing stands. */
  decimal(at: string, text: string, places = 6): string | undefined {
    if (text.trim() === '') return undefined;
    return readDecimal(text, places) ?? this.say(at, `Digits with up to ${places} decimals`);
  }

  minutes(at: string, text: string): number | undefined {
    if (text.trim() === '') return undefined;
    return readMinutes(text) ?? this.say(at, 'Minutes, such as 90 or 1:30');
  }

  instant(at: string, text: string): string | undefined {
    if (text === '') return undefined;
    const ms = Date.parse(text);
    return Number.isNaN(ms) ? this.say(at, 'No such time') : new Date(ms).toISOString();
  }

  component(at: string, c: ComponentDraft, before: readonly ComponentDraft[]): Component {
    if (before.some((other) => other.kind === c.kind)) this.say(`${at}.kind`, 'Priced already in this group');
    const price = readDecimal(c.price);
    if (price === null) this.say(`${at}.price`, 'Digits with up to 6 decimals');
    const tax = this.decimal(`${at}.tax_percent`, c.tax);
    if (tax !== undefined && Number(tax) > 100) this.say(`${at}.tax_percent`, 'At most 100');
    const step = c.kind === 'flat' ? '' : c.step.trim();
    const whole = /^\d{1,8}$/.test(step) ? Number(step) : 0;
    if (step !== '' && (whole < 1 || whole > 86_400_000))
      this.say(`${at}.step`, 'A whole number from 1 to 86400000');
    return {
      kind: c.kind,
      price: price ?? c.price.trim(),
      ...(tax === undefined ? {} : { tax_percent: tax }),
      ...(whole > 1 ? { step: whole } : {}),
    };
  }

  /** Two bounds of one thing: the upper one lies above the lower. */
  range<T extends string | number>(
    at: string,
    name: string,
    read: (at: string, text: string) => T | undefined,
    [from, below]: RangeDraft,
  ) {
    const min = read(`${at}.min_${name}`, from);
    const max = read(`${at}.max_${name}`, below);
    if (min !== undefined && max !== undefined && Number(min) >= Number(max))
      this.say(`${at}.max_${name}`, 'Above the beginning');
    return {
      ...(min === undefined ? {} : { [`min_${name}`]: min }),
      ...(max === undefined ? {} : { [`max_${name}`]: max }),
    };
  }

  restrictions(at: string, w: WhenDraft): Restrictions | undefined {
    const thousands = (where: string, text: string) => {
      const value = this.decimal(where, text, 9);
      return value === undefined ? undefined : shiftRight(value, 3);
    };
    if (w.startDate && w.endDate && w.startDate >= w.endDate)
      this.say(`${at}.end_date`, 'After the beginning');
    const read: Restrictions = {
      ...(w.startTime ? { start_time: w.startTime } : {}),
      ...(w.endTime ? { end_time: w.endTime } : {}),
      ...(w.startDate ? { start_date: w.startDate } : {}),
      ...(w.endDate ? { end_date: w.endDate } : {}),
      ...(w.days.length > 0 ? { days: [...w.days] } : {}),
      ...this.range(at, 'energy_wh', thousands, w.energy),
      ...this.range(at, 'power_w', thousands, w.power),
      ...this.range(at, 'current_a', (where, text) => this.decimal(where, text), w.current),
      ...this.range(at, 'duration_s', (where, text) => this.minutes(where, text), w.duration),
      ...(w.reservation ? { reservation: w.reservation } : {}),
    };
    return Object.keys(read).length > 0 ? read : undefined;
  }

  element(at: string, element: ElementDraft): Element {
    const restrictions = this.restrictions(`${at}.restrictions`, element.when);
    return {
      components: element.components.map((c, i) =>
        this.component(`${at}.components[${i}]`, c, element.components.slice(0, i)),
      ),
      ...(restrictions ? { restrictions } : {}),
    };
  }

  limit(at: string, draft: LimitDraft): { net: string; gross?: string } | undefined {
    const net = this.decimal(`${at}.net`, draft.net);
    const gross = this.decimal(`${at}.gross`, draft.gross);
    if (net === undefined) {
      if (gross !== undefined) this.say(`${at}.net`, 'Needed beside the one with tax');
      return undefined;
    }
    if (gross !== undefined && Number(gross) < Number(net))
      this.say(`${at}.gross`, 'Not below the one without tax');
    return { net, ...(gross === undefined ? {} : { gross }) };
  }
}

/** The tariff as it is sent, and what of it cannot be. */
export function toSpec(draft: Draft): { spec: TariffSpec; problems: Problems } {
  const read = new Reader();
  const min = read.limit('min_price', draft.min);
  const max = read.limit('max_price', draft.max);
  if (min && max && Number(min.net) > Number(max.net))
    read.say('min_price.net', 'Not above the most that it costs');
  const grace = read.minutes('idle_grace_s', draft.grace) ?? 0;
  if (grace > 86_400) read.say('idle_grace_s', 'At most a day, 1440 minutes');
  const from = read.instant('valid_from', draft.validFrom);
  const to = read.instant('valid_to', draft.validTo);
  if (from && to && from >= to) read.say('valid_to', 'After the beginning');
  const url = draft.url.trim();
  if (url && !/^https?:\/\/\S+$/.test(url)) read.say('url', 'An address that begins with https://');
  draft.texts.forEach(({ language, text }, i) => {
    if (!/^[a-z]{2}$/.test(language)) read.say(`texts[${i}].language`, 'Two small letters, such as en');
    if (text.trim() === '') read.say(`texts[${i}].text`, 'Something to read');
  });
  const spec: TariffSpec = {
    currency: draft.currency,
    elements: draft.elements.map((element, i) => read.element(`elements[${i}]`, element)),
    ...(min ? { min_price: min } : {}),
    ...(max ? { max_price: max } : {}),
    ...(grace > 0 ? { idle_grace_s: grace } : {}),
    ...(draft.rounding === 'total' ? { rounding: 'total' } : {}),
    ...(draft.texts.length > 0 ? { texts: draft.texts } : {}),
    ...(url ? { url } : {}),
    ...(from ? { valid_from: from } : {}),
    ...(to ? { valid_to: to } : {}),
  };
  return { spec, problems: read.problems };
}
