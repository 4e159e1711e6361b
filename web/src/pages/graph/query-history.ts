import { create } from 'zustand';
import { atSessionEnd } from '@/app/session';

/** A query that was asked from this browser. */
export interface Asked {
  text: string;
  at: number;
}

const KEY = 'voltwin.queries';
const MOST = 50;

function recall(): Asked[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(kept)
      ? kept.filter(
          (a: Partial<Asked>): a is Asked => typeof a?.text === 'string' && typeof a.at === 'number',
        )
      : [];
  } catch {
    return [];
  }
}

function keep(asked: readonly Asked[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(asked));
  } catch {
    // Private windows may refuse storage; the list then lasts as long as the page.
  }
}

/** The newest first, each text once, at most `MOST`. */
export function withAsked(before: readonly Asked[], text: string, at: number): Asked[] {
  return [{ text, at }, ...before.filter((a) => a.text !== text)].slice(0, MOST);
}

interface Store {
  /** What is being written. It outlives a look at another page. */
  text: string;
  asked: readonly Asked[];
  write: (text: string) => void;
  remember: (text: string) => void;
  forget: () => void;
}

const FIRST = "SELECT * FROM DIGITALTWINS T\nWHERE IS_OF_MODEL(T, 'dtmi:voltwin:ChargingStation;1')";

export const useQueries = create<Store>((set) => ({
  text: FIRST,
  asked: recall(),
  write: (text) => set({ text }),
  remember: (text) =>
    set((s) => {
      const asked = withAsked(s.asked, text, Date.now());
      keep(asked);
      return { asked };
    }),
  forget: () => {
    keep([]);
    set({ asked: [] });
  },
}));

// Whoever signs in next may not be whoever asked.
atSessionEnd(() => useQueries.getState().forget());

export const examples: readonly { title: string; text: string }[] = [
  {
    title: 'Stations with a faulted connector',
    text: "SELECT S.$dtId, S.name, C.$dtId AS connector\nFROM DIGITALTWINS MATCH (S)-[:hasEvse]->()-[:hasConnector]->(C)\nWHERE C.status = 'Faulted'",
  },
  {
    title: 'Mean charge of the vehicles of each zone',
    text: "SELECT Z.name, COUNT() AS vehicles, AVG(V.soc) AS soc\nFROM DIGITALTWINS Z JOIN V RELATED Z.contains\nWHERE IS_OF_MODEL(V, 'dtmi:voltwin:Vehicle;1')\nGROUP BY Z.name ORDER BY soc",
  },
  {
    title: 'The ten strongest connectors',
    text: "SELECT TOP(10) C.$dtId, C.power_w, C.status FROM DIGITALTWINS C\nWHERE IS_OF_MODEL(C, 'dtmi:voltwin:Connector;1') AND C.power_w > 0\nORDER BY C.power_w DESC",
  },
  {
    title: 'A site and all within three steps, as a graph',
    text: "SELECT S, X FROM DIGITALTWINS MATCH (S)-[*..3]->(X)\nWHERE IS_OF_MODEL(S, 'dtmi:voltwin:Site;1')",
  },
];
