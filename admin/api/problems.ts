import { ProblemDetails } from '../../gateway/domain/problem.ts';
import type { AdminProblemCode } from '../../gateway/domain/problems.ts';

/** Members that a problem body may have in addition to those of RFC 9457. */
type AdminProblemExtras = {
  readonly hold_id?: string;
  /** Seconds; sent as Retry-After too. */
  readonly retry_after?: number;
  /** Each invalid member: a JSON pointer (RFC 6901) into the part that `in` names, and what was expected there. */
  readonly errors?: readonly { readonly in: string; readonly pointer: string; readonly detail: string }[];
  readonly decided?: { readonly status: string; readonly by: string | null; readonly at: string | null };
  /** Who claimed it, and until when. */
  readonly lease?: { readonly by: string; readonly until: string };
};

/** The problem of one invalid member. `pointer` is a JSON pointer (RFC 6901) into the part of the request that `within` names. */
export function invalidMember(
  within: 'body' | 'querystring' | 'headers',
  pointer: string,
  detail: string,
): AdminProblem {
  const errors = [{ in: within, pointer, detail }];
  const member = `${within}${pointer.replaceAll('/', '.')}`;
  return new AdminProblem('invalid', { detail: `${member}: ${detail} Nothing was changed.`, extras: { errors } });
}

/** An error for a person, from the admin API. */
export class AdminProblem extends ProblemDetails<AdminProblemCode, AdminProblemExtras> {
  override readonly name = 'AdminProblem';
}
