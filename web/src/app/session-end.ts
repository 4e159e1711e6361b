let ended = false;

/** Remembers, until the next sign-in, that the server no longer knew the session: the sign-in page says so. */
export function noteSessionEnd(now = true): void {
  ended = now;
}

export function sessionHasEnded(): boolean {
  return ended;
}
