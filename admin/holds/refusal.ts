import type { HoldRefusal } from '../../gateway/domain/hold-command.ts';
import { AdminProblem, invalidMember } from '../api/problems.ts';
import { iso } from '../../gateway/domain/time.ts';

/** The member that an invalid command's detail begins with, such as `grant.until: …`. */
const MEMBER = /^([a-z_]+(?:\.[a-z_]+)*): (.*)$/s;

/** What the state machine refused, as an answer that tells the person what can be done instead. */
export function refusalProblem({ refused, detail, hold }: HoldRefusal): AdminProblem {
  const hold_id = hold ? { hold_id: hold.id } : {};
  switch (refused) {
    case 'not-found':
      return new AdminProblem('not-found', { detail });
    case 'stale':
      return new AdminProblem('stale', { detail, extras: hold_id });
    case 'forbidden':
      return new AdminProblem('not-permitted', {
        detail: `${detail} The hold's you_may lists what you may do.`,
        extras: hold_id,
      });
    case 'leased': {
      const lease = hold?.lease ? { lease: { by: hold.lease.by, until: iso(hold.lease.until) } } : {};
      return new AdminProblem('leased', { detail, extras: { ...hold_id, ...lease } });
    }
    case 'invalid': {
      const [, member = '', expected = detail] = MEMBER.exec(detail) ?? [];
      return invalidMember('body', member === '' ? '' : `/${member.replaceAll('.', '/')}`, expected);
    }
    case 'state': {
      const { status = 'unknown', decidedBy = null, decidedAt = null } = hold ?? {};
      const told = `${detail} Nothing was changed; read the hold to see its state.`;
      if (decidedAt === null) return new AdminProblem('conflict', { detail: told, extras: hold_id });
      const decided = { status, by: decidedBy, at: iso(decidedAt) };
      return new AdminProblem('decided', { detail: told, extras: { ...hold_id, decided } });
    }
  }
}
