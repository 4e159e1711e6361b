/** What each check of a transaction found, and what became of its energy: docs/tariffs.md in a sentence each. */
const words: Readonly<Record<string, string>> = {
  started_missing: 'Its end came, but its start has not: provisional until the start comes.',
  sequence_gap: 'Numbers of events are missing: the station may still hold some, or has lost them.',
  stop_below_start: 'The meter stood lower at the end than at the start.',
  clock_skew_future: 'The clock of the station was ahead; it is timed and priced by the corrected time.',
  clock_skew_past: 'The clock of the station was behind; it is timed and priced by the corrected time.',
  meter_rollover: 'The meter ran over its last digit and began again; the energy is counted on through it.',
  meter_reset: 'The meter was set back; nothing is billed for that step, and it counts on from there.',
  meter_glitch: 'One reading fell and came back at once; it is passed over.',
  meter_regressed: 'The meter went backwards; nothing is billed until it is above its highest again.',
  meter_jump: 'The meter rose faster than any station can charge; the jump is not billed.',
  meter_negative: 'A reading was below zero; it counts as none.',
  unit_mistake: 'A reading came in another unit than the ones before; it is read in theirs.',
  end_lost: 'The station has forgotten how it ended: it ends where it was last heard of.',
  id_reused: 'The station gave this id to an earlier transaction too; each is kept as one of its own.',
  quarantined:
    'A station in quarantine told some of it: it is recorded and billed, and nothing else was believed.',
  cost_differs: 'The station works out another cost than the receipt.',
  orphan_stop: 'It ended without a start that is known.',
};

export function flagWord(flag: string): string {
  return words[flag] ?? flag.replaceAll('_', ' ');
}

/** What a stretch of readings is. */
const kinds: Readonly<Record<string, string>> = {
  metered: 'Metered',
  rollover: 'Ran over',
  reset: 'Set back',
  glitch: 'Passing fall',
  regress: 'Went backwards',
  jump: 'Jump',
  unit_mistake: 'Other unit',
};

export function segmentWord(kind: string): string {
  return kinds[kind] ?? kind;
}
