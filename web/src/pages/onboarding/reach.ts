import type { Onboarding } from '@/api/desk';

/** Where the station may come: OCPP security profile 2 and 3 are let in over TLS alone. */
export function needsTls(profile: number): boolean {
  return profile >= 2;
}

/** The address that the server gives would be refused to this very station. */
export function isShut(of: Pick<Onboarding, 'url'>, profile: number | undefined): boolean {
  return profile !== undefined && needsTls(profile) && !of.url.startsWith('wss:');
}

/**
 * What is typed in for one OCPP version, without the addresses, which stand above. A profile is that which the station is
 * held to, not the one that its address alone would ask for.
 */
export function settingsOf(
  of: Pick<Onboarding, 'settings' | 'url' | 'url_base'>,
  version: string,
  profile: number | undefined,
): { name: string; value: string }[] {
  const out: { name: string; value: string }[] = [];
  for (const { ocpp_version, name, value } of of.settings) {
    if (ocpp_version !== version || value == null || value === of.url || value === of.url_base) continue;
    const held = name.endsWith('SecurityProfile') && profile === 2 ? String(profile) : value;
    out.push({ name, value: held });
  }
  return out;
}
