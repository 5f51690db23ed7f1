/** What a person can do with a hold. Each has a key, and can be asked for when a hold is opened. */
export const VERBS = ['approve', 'edit', 'reject', 'escalate', 'take-over'] as const;
export type Verb = (typeof VERBS)[number];

export const VERB_KEYS: Readonly<Record<string, Verb>> = {
  a: 'approve',
  e: 'edit',
  r: 'reject',
  s: 'escalate',
  t: 'take-over',
};

declare module '@tanstack/react-router' {
  interface HistoryState {
    /** What the person means to do there. The page prepares it and does nothing. */
    verb?: Verb;
  }
}
