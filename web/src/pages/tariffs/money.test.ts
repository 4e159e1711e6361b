import { expect, it } from 'vitest';
import { billed, shiftLeft, shiftRight } from './money';

it('moves a decimal point without touching a digit', () => {
  expect(shiftLeft('20000', 3)).toBe('20');
  expect(shiftLeft('12345.678901', 3)).toBe('12.345678901');
  expect(shiftLeft('7', 3)).toBe('0.007');
  expect(shiftLeft('-1500', 3)).toBe('-1.5');
  // More digits than a double holds.
  expect(shiftLeft('123456789012345678901', 3)).toBe('123456789012345678.901');
  expect(shiftLeft('not a number', 3)).toBe('not a number');
});

it('turns kWh into Wh exactly', () => {
  expect(shiftRight('20', 3)).toBe('20000');
  expect(shiftRight('0.45', 3)).toBe('450');
  expect(shiftRight('1.234567', 3)).toBe('1234.567');
  expect(shiftRight('0', 3)).toBe('0');
});

it('says what was billed in the unit of the price', () => {
  expect(billed({ kind: 'energy', billed: '20500' })).toBe('20.5 kWh');
  expect(billed({ kind: 'parking', billed: '5430' })).toBe('1:30:30 h');
  expect(billed({ kind: 'flat', billed: '1' })).toBe('');
});
