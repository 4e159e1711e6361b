import type { Component, Element, Kind, Restrictions, TariffSpec } from '@/api/tariffs';

/** A decimal as a person types it: digits, and a point or a comma. */
export function readDecimal(text: string): string | null {
  const plain = text.trim().replace(',', '.');
  return /^\d{1,9}(\.\d{1,6})?$/.test(plain) ? plain : null;
}

/** Leaves out what is empty, so that a saved tariff holds only what was said. */
function cleaned(restrictions: Restrictions | undefined): Restrictions | undefined {
  if (!restrictions) return undefined;
  const kept = Object.entries(restrictions).filter(
    ([, value]) => value != null && value !== '' && !(Array.isArray(value) && value.length === 0),
  );
  return kept.length > 0 ? (Object.fromEntries(kept) as Restrictions) : undefined;
}

/** The tariff as it is sent, or where it cannot be read yet. */
export function toSpec(draft: TariffSpec): { spec: TariffSpec } | { problem: string } {
  for (const [i, element] of draft.elements.entries()) {
    const at = `Price group ${i + 1}`;
    if (element.components.length === 0) return { problem: `${at} has no price.` };
    for (const c of element.components) {
      if (readDecimal(c.price) === null)
        return { problem: `${at}: “${c.price}” is no price; write digits with up to six decimals.` };
      if (c.tax_percent && readDecimal(c.tax_percent) === null)
        return { problem: `${at}: “${c.tax_percent}” is no percentage.` };
    }
    const r = element.restrictions;
    if (r && !r.start_time !== !r.end_time)
      return { problem: `${at} needs both a beginning and an end of its time of day.` };
  }
  const limit = draft.min_price?.net ?? '';
  if (limit !== '' && readDecimal(limit) === null) return { problem: `The minimum “${limit}” is no amount.` };
  const most = draft.max_price?.net ?? '';
  if (most !== '' && readDecimal(most) === null) return { problem: `The maximum “${most}” is no amount.` };
  const elements = draft.elements.map((element): Element => {
    const restrictions = cleaned(element.restrictions);
    return {
      components: element.components.map((c): Component => {
        const tax = c.tax_percent ? readDecimal(c.tax_percent) : null;
        const { tax_percent: _, ...rest } = c;
        return { ...rest, price: readDecimal(c.price) ?? '0', ...(tax === null ? {} : { tax_percent: tax }) };
      }),
      ...(restrictions ? { restrictions } : {}),
    };
  });
  const { min_price, max_price, ...rest } = draft;
  return {
    spec: {
      ...rest,
      elements,
      ...(limit ? { min_price: { ...min_price, net: readDecimal(limit) ?? '0' } } : {}),
      ...(most ? { max_price: { ...max_price, net: readDecimal(most) ?? '0' } } : {}),
    },
  };
}

const kinds: readonly Kind[] = ['energy', 'time', 'parking', 'flat'];

/** A kind that the element has no price of yet; null when it has all. */
export function nextKind(element: Element): Kind | null {
  return kinds.find((kind) => !element.components.some((c) => c.kind === kind)) ?? null;
}
