import { expect, test } from 'vitest';
import { listRules, readSources } from '../../policies/sources.ts';
import { writeFiles } from '../helpers/folder.ts';

/** The tools to which the only entry of a package is limited. */
async function toolsOf(rego: string): Promise<readonly string[] | undefined> {
  const folder = writeFiles({ 'crm.rego': `package rules.crm\n\n${rego}\n` });
  try {
    const rules = listRules(await readSources(folder.path));
    return rules.find((rule) => rule.package === 'rules.crm')?.tools;
  } finally {
    folder.remove();
  }
}

test.for([
  ['in one condition', 'hold contains {"rule": "a"} if input.action.tool == "pay"', ['pay']],
  [
    'in a body',
    'hold contains {"rule": "a"} if {\n\tinput.action.tool == "pay"\n\tinput.action.arguments.n > 1\n}',
    ['pay'],
  ],
  ['as an operation', 'hold contains {"rule": "a"} if input.action.operation == "pay"', ['pay']],
  ['in a set', 'hold contains {"rule": "a"} if input.action.tool in {"pay", "refund"}', ['pay', 'refund']],
  ['in a rule that it names', 'hold contains {"rule": "a"} if is_pay\n\nis_pay if input.action.tool == "pay"', ['pay']],
  [
    'in a value that it reads',
    'hold contains {"rule": "a"} if n > 5\n\nn := 1 if {\n\tinput.action.tool == "pay"\n}',
    ['pay'],
  ],
  ['nowhere', 'hold contains {"rule": "a"} if input.context.confidence < 0.5', undefined],
  ['negated', 'hold contains {"rule": "a"} if not input.action.tool == "pay"', undefined],
  [
    'in another rule',
    'hold contains {"rule": "a"} if input.context.confidence < 1\n\nx if input.action.tool == "pay"',
    undefined,
  ],
] as const)('the tools of a rule that names them %s are known', async ([, rego, tools]) => {
  expect(await toolsOf(rego)).toEqual(tools);
});
