/** Longest that a reviewer waits for what is only good to know, in milliseconds. */
const PATIENCE = 200;

/**
 * What the record answers in time; or, in a few words, why it did not. Never a reason to fail.
 * @param ask gets a signal that ends its query
 * @param patience milliseconds
 */
export async function inTime<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  patience = PATIENCE,
): Promise<{ readonly found: T } | { readonly why: string }> {
  const late = AbortSignal.timeout(patience);
  // The signal ends the query; that the answer ends too is not left to whoever was asked.
  const tooLate = new Promise<never>((_resolve, reject) => {
    late.addEventListener('abort', () => reject(new Error('late')), { once: true });
  });
  try {
    return { found: await Promise.race([ask(late), tooLate]) };
  } catch {
    const why = late.aborted ? `The record did not answer within ${patience} ms.` : 'The record cannot be read now.';
    return { why };
  }
}
