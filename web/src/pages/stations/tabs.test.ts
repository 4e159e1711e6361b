import { describe, expect, it } from 'vitest';
import { stationTabs, tabOf, tabStep } from './tabs';

describe('the tabs of a station', () => {
  it('have names of their own and an overview for addresses that name none', () => {
    expect(new Set(stationTabs.map((t) => t.id)).size).toBe(stationTabs.length);
    expect(tabOf(undefined).id).toBe('overview');
    expect(tabOf('no-such-tab').id).toBe('overview');
    expect(tabOf('messages').label).toBe('Messages');
  });

  it('are walked around by arrows and to the ends by Home and End', () => {
    expect(tabStep('ArrowRight', 2, 3)).toBe(0);
    expect(tabStep('ArrowLeft', 0, 3)).toBe(2);
    expect(tabStep('Home', 2, 3)).toBe(0);
    expect(tabStep('End', 0, 3)).toBe(2);
    expect(tabStep('Enter', 1, 3)).toBeNull();
  });
});
