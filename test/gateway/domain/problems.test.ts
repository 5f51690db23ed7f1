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
  for (const [code, [status, title, detail]] of Object.entries(problems)) {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(status).toSatisfy((value: number) => value >= 400 && value < 600);
    expect(title, code).toMatch(/^\S.{3,49}[^.]$/);
    expect(detail, code).toMatch(/^[A-Z].*\.$/);
  }
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
