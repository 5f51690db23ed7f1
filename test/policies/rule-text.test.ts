import { expect, test } from 'vitest';
import { ruleText } from '../../policies/rule-text.ts';

const source = `package rules.payments

# Above the limit.
hold contains {
	"rule": "refund-over-limit",
	"reason": sprintf("%d", [input.action.body.amount]),
} if {
	input.action.operation == "createRefund"

	input.action.body.amount > limit
}

limit := 100

allow contains {"rule": "small"} if input.action.body.amount <= limit
`;

test('the text of a rule is its lines up to the next statement', () => {
  expect(ruleText(source, 4)).toBe(source.slice(source.indexOf('hold'), source.indexOf('\n\nlimit')));
  expect(ruleText(source, 15)).toBe('allow contains {"rule": "small"} if input.action.body.amount <= limit');
  expect(ruleText(source.replaceAll('\n', '\r\n'), 13)).toBe('limit := 100');
});

test('where there is no statement, there is no text', () => {
  expect(ruleText(source, 2)).toBeNull();
  expect(ruleText(source, 99)).toBeNull();
});

test('a long rule is cut, and says so', () => {
  const long = `allow contains {"rule": "x"} if {\n${'\ttrue\n'.repeat(100)}}\n`;
  expect(ruleText(long, 1)?.split('\n')).toHaveLength(61);
  expect(ruleText(long, 1)).toMatch(/\n…$/);
  expect(ruleText(`allow contains {"rule": "${'x'.repeat(9_000)}"}`, 1)).toHaveLength(4_002);
});
