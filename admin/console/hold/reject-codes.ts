import type { RejectCode } from '../../../gateway/domain/hold.ts';

/** The codes in the words of people. The agent reads the code. */
export const REJECT_WORDS: Readonly<Record<RejectCode, string>> = {
  'wrong-target': 'Wrong target',
  'wrong-amount': 'Wrong amount',
  'not-now': 'Not now',
  'missing-information': 'Something is missing',
  policy: 'Against our rules',
  other: 'Another reason',
};
