import { visible } from '../../domain/visible-text.ts';

/** Text from outside for a terminal. An agent must not be able to paint its own approval page. */
export const plain = visible;

/** Several lines of such text, each marked as a quotation, so that none can pass for a line of ours. */
export function quoted(text: string): string {
  return text
    .split('\n')
    .map((line) => `  | ${plain(line.replaceAll('\t', '  '))}`)
    .join('\n');
}
