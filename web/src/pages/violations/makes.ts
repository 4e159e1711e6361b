import type { Breach, ValidationRule } from '@/api/desk';

/** All breaches of one make and firmware together. */
export interface Make {
  key: string;
  vendor: string;
  model: string;
  firmware_version: string;
  count: number;
  kinds: number;
  last_at: string;
}

export function makeName(of: { vendor?: string | null; model?: string | null }): string {
  return [of.vendor, of.model].filter(Boolean).join(' ') || 'Make not told';
}

export function byMake(breaches: readonly Breach[]): Make[] {
  const makes = new Map<string, Make>();
  for (const b of breaches) {
    const key = [b.vendor, b.model, b.firmware_version].join('\n');
    const make = makes.get(key);
    if (!make) {
      makes.set(key, {
        key,
        vendor: b.vendor,
        model: b.model,
        firmware_version: b.firmware_version,
        count: b.count,
        kinds: 1,
        last_at: b.last_at,
      });
      continue;
    }
    make.count += b.count;
    make.kinds += 1;
    if (b.last_at > make.last_at) make.last_at = b.last_at;
  }
  return [...makes.values()];
}

/** The rule that holds for a make: the most particular one. */
export function bindingRule(
  rules: readonly ValidationRule[],
  make: { vendor: string; model: string; firmware_version: string },
): ValidationRule | undefined {
  const fits = (said: string | null | undefined, is: string) => said == null || said === is;
  const weight = (r: ValidationRule) => Number(r.model != null) + Number(r.firmware_version != null);
  return rules
    .filter(
      (r) =>
        r.vendor === make.vendor &&
        fits(r.model, make.model) &&
        fits(r.firmware_version, make.firmware_version),
    )
    .toSorted((a, b) => weight(b) - weight(a))[0];
}
