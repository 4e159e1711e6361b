import type { CostLine, Kind } from '@/api/tariffs';

/** What a price is for, and what it is a price of. */
export const kindWord: Readonly<Record<CostLine['kind'], string>> = {
  energy: 'Energy',
  time: 'Charging time',
  parking: 'Idle time',
  flat: 'Flat fee',
  reservation_time: 'Reserved time',
  reservation_flat: 'Reservation fee',
  minimum: 'Up to the minimum',
  maximum: 'Down to the maximum',
};

export const perWord: Readonly<Record<Kind, string>> = {
  energy: 'per kWh',
  time: 'per hour',
  parking: 'per hour',
  flat: 'a session',
};

/** A decimal string with its currency, digit by digit as the server wrote it. */
export function amount(value: string, currency: string): string {
  return `${value} ${currency}`;
}

/** Moves the decimal point of a plain decimal string to the left, exactly. */
export function shiftLeft(value: string, places: number): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(value);
  if (!match) return value;
  const [, sign = '', whole = '', part = ''] = match;
  const digits = whole.padStart(places + 1, '0');
  const left = digits.slice(0, -places);
  const right = `${digits.slice(-places)}${part}`.replace(/0+$/, '');
  return `${sign}${left}${right ? `.${right}` : ''}`;
}

/** What was billed, in the unit that its price is for. */
export function billed(line: Pick<CostLine, 'kind' | 'billed'>): string {
  if (line.kind === 'energy') return `${shiftLeft(line.billed, 3)} kWh`;
  if (line.kind === 'time' || line.kind === 'parking' || line.kind === 'reservation_time') {
    const s = Math.round(Number(line.billed));
    const two = (n: number) => String(n).padStart(2, '0');
    return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)} h`;
  }
  return '';
}

/** Moves the decimal point of a plain decimal string to the right, exactly. */
export function shiftRight(value: string, places: number): string {
  const [whole = '0', part = ''] = value.split('.');
  const digits = `${whole}${part.padEnd(places, '0').slice(0, places)}`.replace(/^0+(?=\d)/, '');
  return part.length > places ? `${digits}.${part.slice(places)}` : digits;
}
