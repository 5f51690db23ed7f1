import type { Hold, Vote } from '../domain/hold.ts';

/** Whether a vote still counts: votes on what was shown before it changed are void. */
export function isApprovalOf(hold: Pick<Hold, 'revision'>, vote: Vote): boolean {
  return vote.revision === hold.revision;
}

/** Whether enough different people have approved the current revision. */
export function isQuorate(hold: Pick<Hold, 'revision' | 'votes' | 'terms'>): boolean {
  const people = new Set(hold.votes.filter((vote) => isApprovalOf(hold, vote)).map((vote) => vote.reviewer));
  return people.size >= Math.max(1, hold.terms.quorum);
}
