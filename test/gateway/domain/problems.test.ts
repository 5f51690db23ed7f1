import { expect, test } from 'vitest';
import { AdminProblem } from '../../../admin/api/problems.ts';
import { Problem } from '../../../gateway/domain/problem.ts';
import { adminProblems, agentProblems, commonProblems, problems } from '../../../gateway/domain/problems.ts';

test('a problem code is listed once, so that its URN means one thing to agents and to people', () => {
  const codes = [commonProblems, agentProblems, adminProblems].flatMap((list) => Object.keys(list));
  expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
  expect(Object.keys(problems).toSorted()).toEqual(codes.toSorted());
});

test('a problem code is kebab-case, its status an error, its title short and its detail whole sentences', () => {
  for (const problem of Object.values(problems)) {
    expect(problem).toEqual([
      expect.toSatisfy((status: number) => status >= 400 && status < 600),
      expect.stringMatching(/^[A-Z].{3,49}[^.]$/),
      expect.stringMatching(/^[A-Z].*\.$/),
    ]);
  }
  for (const code of Object.keys(problems)) expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
});

test('a problem has the same members for agents and people, and repeats its message where SDKs of agents look', () => {
  const toPerson = new AdminProblem('not-found').toJSON();
  expect(toPerson).toEqual({
    type: 'urn:holdpoint:problem:not-found',
    title: 'Not found',
    status: 404,
    detail: problems['not-found'][2],
    code: 'not-found',
  });
  const message = problems['not-found'][2];
  const error = { type: 'holdpoint_error', code: 'not-found', message };
  expect(new Problem('not-found').toJSON()).toEqual({ ...toPerson, message, error });
});
