import type { Coverage } from '../server/shapes.ts';

export type CoverageClass = Coverage['items'][number]['class'];

/** What becomes of the calls of an operation: first what people should look into. */
export const CLASSES = ['allowed', 'unmatched', 'unseen', 'guarded'] as const satisfies readonly CoverageClass[];

export const CLASS_WORDS: Readonly<Record<CoverageClass, string>> = {
  allowed: 'Allowed without review',
  unmatched: 'Matched by no rule',
  unseen: 'Never seen',
  guarded: 'A rule holds or blocks',
};

/** The colour of a class. */
export const CLASS_TAGS: Readonly<Record<CoverageClass, string>> = {
  allowed: 'warn',
  unmatched: 'danger',
  unseen: '',
  guarded: 'good',
};
