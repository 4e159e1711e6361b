import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, seg, type Page } from '@/api/client';
import { transactionsQuery } from '@/api/queries';
import type { Station } from '@/api/types';
import { useList } from '@/api/use-list';
import { at, type Path } from '@/ocpp-form/path';

interface Variable {
  key: string;
  value: { component?: string; variable?: string } | null;
}

/** Names that a list of choices may hold; more would only be scrolled past. */
const WORDS_MAX = 400;

/**
 * Words that complete the fields of a command to this station: its connectors, its running transactions, and the
 * components and variables that it has told of.
 */
export function useSuggestions(
  station: Station,
  payload: unknown,
): (name: string, path: Path) => readonly string[] {
  const transactions = useList(transactionsQuery({ station: station.id, state: 'active' }));
  const variables = useQuery({
    queryKey: ['stations', 'one', station.id, 'variable-names'] as const,
    queryFn: ({ signal }) =>
      api.get<Page<Variable>>(`/stations/${seg(station.id)}/variables`, { signal, params: { limit: 500 } }),
    staleTime: 60_000,
    retry: false,
  });
  return useMemo(() => {
    const evses = station.evses ?? [];
    const known = (variables.data?.items ?? []).map((v) => v.value);
    const unique = (words: (string | null | undefined)[]) =>
      [...new Set(words.filter((w): w is string => !!w))].sort().slice(0, WORDS_MAX);
    const evseIds = unique(evses.map((e) => String(e.evse_id)));
    const connectors = unique(
      evses.flatMap((e) =>
        e.connectors.map((c) => String(station.ocpp_version === '1.6' ? c.evse_id : c.connector_id)),
      ),
    );
    const running = transactions.rows ?? [];
    const runningIds = unique(running.map((t) => t.transaction_id));
    const tokens = unique(running.map((t) => t.id_token));
    const components = unique(known.map((v) => v?.component));
    return (name, path) => {
      switch (name) {
        case 'evseId':
          return evseIds;
        case 'connectorId':
          return connectors;
        case 'transactionId':
          return runningIds;
        case 'idTag':
        case 'idToken':
          return tokens;
        case 'key':
          // Configuration keys of 1.6 are variables without a component of their own.
          return unique(known.map((v) => v?.variable));
        case 'name': {
          const group = path[path.length - 2];
          if (group === 'component') return components;
          if (group !== 'variable') return [];
          const component = at(payload, [...path.slice(0, -2), 'component', 'name']);
          return unique(
            known.filter((v) => !component || v?.component === component).map((v) => v?.variable),
          );
        }
        default:
          return [];
      }
    };
  }, [station, transactions.rows, variables.data, payload]);
}
