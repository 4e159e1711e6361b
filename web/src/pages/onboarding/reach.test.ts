import { describe, expect, it } from 'vitest';
import { isShut, settingsOf } from './reach';

const plain = {
  url: 'ws://host/ocpp/t/ST',
  url_base: 'ws://host/ocpp/t',
  settings: [
    { ocpp_version: '1.6', name: 'AuthorizationKey', value: null },
    { ocpp_version: '1.6', name: 'SecurityProfile', value: '1' },
    { ocpp_version: '1.6', name: 'central system URL', value: 'ws://host/ocpp/t/ST' },
    { ocpp_version: '2.0.1', name: 'NetworkConfiguration.OcppCsmsUrl', value: 'ws://host/ocpp/t' },
    { ocpp_version: '2.0.1', name: 'NetworkConfiguration.SecurityProfile', value: '1' },
  ],
};

describe('what a station is told to type in', () => {
  it('is no address that it would be refused at', () => {
    expect(isShut(plain, 1)).toBe(false);
    expect(isShut(plain, 2)).toBe(true);
    expect(isShut(plain, 3)).toBe(true);
    expect(isShut({ url: 'wss://host/ocpp/t/ST' }, 2)).toBe(false);
    // Nothing is said before the profile is known.
    expect(isShut(plain, undefined)).toBe(false);
  });

  it('names the profile that the station is held to, and no address twice', () => {
    expect(settingsOf(plain, '1.6', 1)).toEqual([{ name: 'SecurityProfile', value: '1' }]);
    expect(settingsOf(plain, '1.6', 2)).toEqual([{ name: 'SecurityProfile', value: '2' }]);
    expect(settingsOf(plain, '2.0.1', 2)).toEqual([
      { name: 'NetworkConfiguration.SecurityProfile', value: '2' },
    ]);
  });
});
