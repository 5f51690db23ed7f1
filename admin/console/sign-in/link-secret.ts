let secret: string | null = null;

/**
 * Takes the secret of a one-time link out of the address, before it gets into the history or onto a screenshot. It is
 * never sent until the person asks for it.
 */
export function takeLinkSecret({ pathname, hash, search }: Location, history: History): void {
  if (pathname !== '/sign-in' || hash.length < 2) return;
  secret = decodeURIComponent(hash.slice(1));
  history.replaceState(null, '', pathname + search);
}

/** The secret that was in the address; null when there was none. */
export const linkSecret = (): string | null => secret;

export function forgetLinkSecret(): void {
  secret = null;
}
