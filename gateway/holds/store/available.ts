import { Problem } from '../../domain/problem.ts';

/** Whatever fails below is one problem above: nothing was stored, so nothing may be forwarded. */
export async function available<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof Problem ? cause : new Problem('store-unavailable', { cause });
  }
}
