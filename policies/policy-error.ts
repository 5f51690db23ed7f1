/**
 * A policy that cannot be used. Problems are for its author, one line each, as `file:line: reason` where the place is
 * known.
 */
export class PolicyError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'PolicyError';
    this.problems = problems;
  }
}
