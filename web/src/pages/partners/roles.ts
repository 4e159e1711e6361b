import type { Party } from '@/api/desk';

/** What a partner is: "EMSP NL*TNM". */
export function rolesOf({ roles }: Pick<Party, 'roles'>): string {
  return roles.map((r) => `${r.role} ${r.country_code}*${r.party_id}`).join(', ');
}
