import type { HoldPackage } from '../server/holds.ts';

export type GrantTerms = { readonly uses: number; readonly for: string; readonly open: readonly string[] };

/** How long an approval for a while may last, as the API reads it. */
export const GRANT_TIMES = [
  { for: '1h', words: '1 hour' },
  { for: '8h', words: '8 hours' },
  { for: '24h', words: '24 hours' },
  { for: '7d', words: '7 days' },
] as const;

/** What an approval for a while covers, in a sentence. */
export function grantSentence({ agent, action, openable }: HoldPackage, { uses, for: time, open }: GrantTerms): string {
  const words = GRANT_TIMES.find((each) => each.for === time)?.words ?? time;
  const calls = uses === 1 ? 'one further call' : `up to ${uses} further calls`;
  const places = openable
    .filter(({ place }) => open.includes(place))
    .map(({ place, value, at_most }) => (at_most ? `${place} (at most ${value})` : place));
  const free = places.length === 0 ? 'if everything in them is as here' : `where only ${listed(places)} may differ`;
  return `For ${words}, ${calls} of ${action?.operation ?? 'this'} by ${agent.id} are sent without asking, ${free}.`;
}

function listed(words: readonly string[]): string {
  return new Intl.ListFormat('en').format(words);
}
