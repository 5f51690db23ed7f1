import type { z } from 'zod';
import type { problem } from '../../api/schemas.ts';
import type { AdminProblem } from '../../api/problems.ts';

/** What the admin API says when it refuses: problem details (RFC 9457), with the members that some codes add. */
export type ProblemBody = z.output<typeof problem> &
  Partial<Pick<AdminProblem['extras'], 'decided' | 'lease' | 'errors' | 'retry_after'>>;

/** The admin API refused. `message` says why in a sentence of its own. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  readonly body: ProblemBody;

  constructor(status: number, body: ProblemBody) {
    super(body.detail);
    this.status = status;
    this.body = body;
  }
}

/** The gateway did not answer: no network, or no gateway. Whether it got the request is unknown. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  constructor(options?: ErrorOptions) {
    super('The gateway cannot be reached from here.', options);
  }
}

export function isRefused(error: unknown, ...statuses: readonly number[]): error is Refused {
  return error instanceof Refused && (statuses.length === 0 || statuses.includes(error.status));
}
