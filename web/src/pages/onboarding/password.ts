/**
 * Passwords that were drawn in this window, until it is closed or they were seen on the page that follows a station.
 * Memory only: the server keeps a hash, and nothing is written to the browser's storage.
 */
const kept = new Map<string, string>();

export function keepPassword(station: string, password: string | null): void {
  if (password) kept.set(station, password);
}

export function passwordOf(station: string): string | null {
  return kept.get(station) ?? null;
}

export function forgetPassword(station: string): void {
  kept.delete(station);
}
