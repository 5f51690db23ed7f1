import { expect, test } from 'vitest';
import { tokenize } from '../../../audit/analysts/tokens.ts';

const values = (sql: string) => tokenize(sql).map(({ value }) => value);

test('leaves out what the engine skips: white space and every kind of comment', () => {
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

test('knows strings, quoted names and heredocs, and undoes their quotes', () => {
  expect(tokenize(`'it''s' 'it\\'s' "a""b" \`c\` $$ ' ; $$ $tag$ $$ ; $tag$`)).toMatchObject([
    { kind: 'text', value: "it's" },
    { kind: 'text', value: "it's" },
    { kind: 'name', value: 'a"b' },
    { kind: 'name', value: 'c' },
    { kind: 'text', value: " ' ; " },
    { kind: 'text', value: ' $$ ; ' },
  ]);
});

test('sees no comment or statement inside of quotes, and no quote inside of comments', () => {
  expect(values(`'--' "/*" \`#\` $$--$$`)).toEqual(['--', '/*', '#', '--']);
  expect(values("1 -- '\n; DROP")).toEqual(['1', ';', 'DROP']);
});

test('refuses what it could cut otherwise than the engine', () => {
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
