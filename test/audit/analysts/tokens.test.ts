import { expect, test } from 'vitest';
import { tokenize } from '../../../audit/analysts/tokens.ts';

const values = (sql: string) => tokenize(sql).map(({ value }) => value);

test('white space and every kind of comment are skipped, as by the engine', () => {
  expect(values("a -- x ' \n b /* 1 /* 2 */ ; */ c # x\n d #!x\n e // ' \n f\t\r\n\v\f g")).toEqual([
    'a',
    'b',
    'c',
    'd',
    'e',
    'f',
    'g',
  ]);
});

test('strings, quoted names and heredocs are tokens without their quotes', () => {
  expect(tokenize(`'it''s' 'it\\'s' "a""b" \`c\` $$ ' ; $$ $tag$ $$ ; $tag$`)).toMatchObject([
    { kind: 'text', value: "it's" },
    { kind: 'text', value: "it's" },
    { kind: 'name', value: 'a"b' },
    { kind: 'name', value: 'c' },
    { kind: 'text', value: " ' ; " },
    { kind: 'text', value: ' $$ ; ' },
  ]);
});

test('comments and statements inside quotes, and quotes inside comments, are no tokens', () => {
  expect(values(`'--' "/*" \`#\` $$--$$`)).toEqual(['--', '/*', '#', '--']);
  expect(values("1 -- '\n; DROP")).toEqual(['1', ';', 'DROP']);
});

test('text that the engine could split differently is refused', () => {
  const refused = [
    "'open",
    '"open',
    '`open',
    '/* open /* */',
    '$tag$ open',
    'a$b$ file() $b$',
    '1$a$ $a$',
    '“name”',
    '‘text’',
    'é',
    '#x',
    'a \\ b',
    'a \u00a0 b',
    'a \0 b',
    '"a\\x62"',
  ];
  expect(refused.filter((sql) => !isRefused(sql))).toEqual([]);
});

function isRefused(sql: string): boolean {
  try {
    tokenize(sql);
    return false;
  } catch (error) {
    return String(error).includes('Code: 62');
  }
}
