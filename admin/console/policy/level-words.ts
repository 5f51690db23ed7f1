const LEVELS: Readonly<Record<number, string>> = {
  1: 'passes',
  2: 'a person approves',
  3: 'a person takes over',
  4: 'blocks and alerts',
};

/** `level 2: a person approves` */
export function levelWords(level: number): string {
  return `level ${level}: ${LEVELS[level] ?? 'unknown'}`;
}

/** The colour of what a rule says. */
export const SAID_TAGS: Readonly<Record<string, string>> = {
  allow: 'good',
  hold: 'warn',
  block: 'danger',
  drift: 'claim',
};
