import { Counter, type Registry } from 'prom-client';
import type { Clock } from '../domain/clock.ts';
import type { ProblemCode } from '../domain/problem.ts';
import { createWrongTokens, type WrongTokens } from '../domain/wrong-tokens.ts';

/** What one worker limits of callers beyond policy, and the metric of it. */
export function createLimits(
  registry: Registry,
  clock: Clock,
): { readonly limited: (code: ProblemCode) => void; readonly wrongTokens: WrongTokens } {
  const refused = new Counter({
    name: 'holdpoint_limited_total',
    help: 'Requests of agents that a limit refused with 429, by code',
    labelNames: ['code'],
    registers: [registry],
  });
  const limited = (code: ProblemCode) => refused.inc({ code });
  const wrongTokens = createWrongTokens(clock);
  return {
    limited,
    wrongTokens: {
      count(address) {
        const retryAfter = wrongTokens.count(address);
        if (retryAfter !== null) limited('too-many-wrong-tokens');
        return retryAfter;
      },
    },
  };
}
