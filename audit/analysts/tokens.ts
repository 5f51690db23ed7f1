import { ServerException } from './exception.ts';

/** A token of ClickHouse's lexer, which has no tokens for white space and comments. */
export type Token = {
  /** `word`: bare letters, digits and underscores; `name`: a quoted one; `text`: a string; `mark`: one character. */
  readonly kind: 'word' | 'name' | 'text' | 'mark';
  /** Its value, without quotes. */
  readonly value: string;
  /** Its place in the statement. */
  readonly from: number;
  readonly to: number;
};

const BLANK = /[ \t\n\v\f\r]+|(?:--|\/\/|#[ !])[^\n]*/y;
const WORD = /\w+/y;
const HEREDOC = /\$\w*\$/y;
const QUOTED = { "'": 'text', '"': 'name', '`': 'name' } as const;
/** Any other escape stays as written. */
const ESCAPES = new Map([
  ...['\\', "'", '"', '`'].map((same) => [same, same] as const),
  ...Object.entries({ b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', 0: '\0' }),
]);

/**
 * Splits a statement into tokens as the engine does. Where the engine's rules are intricate (non-ASCII characters outside
 * quotes, dollar signs in names, escapes in names) it refuses: text that the two split differently could hide a statement.
 * @throws ServerException SYNTAX_ERROR
 */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    const character = sql[at]!;
    const quoted = QUOTED[character as keyof typeof QUOTED];
    const blank = match(BLANK, sql, at);
    if (blank !== null) {
      at += blank.length;
    } else if (sql.startsWith('/*', at)) {
      at = skipComment(sql, at);
    } else if (quoted !== undefined) {
      const to = findQuote(sql, at, character);
      const value = unquote(sql.slice(at + 1, to - 1), character, quoted, at);
      tokens.push({ kind: quoted, value, from: at, to });
      at = to;
    } else if (character === '$') {
      const tag = match(HEREDOC, sql, at);
      const end = tag === null ? -1 : sql.indexOf(tag, at + tag.length);
      if (tag === null || end < 0) throw unreadable(sql, at);
      tokens.push({ kind: 'text', value: sql.slice(at + tag.length, end), from: at, to: end + tag.length });
      at = end + tag.length;
    } else {
      const word = match(WORD, sql, at);
      const value = word ?? character;
      // A dollar sign continues a word: what follows is no heredoc and must not be skipped as one.
      if (word === null ? !/[!-~]/.test(character) || '#\\'.includes(character) : sql[at + word.length] === '$') {
        throw unreadable(sql, at);
      }
      tokens.push({ kind: word === null ? 'mark' : 'word', value, from: at, to: at + value.length });
      at += value.length;
    }
  }
  return tokens;
}

export function unreadable(sql: string, at: number): ServerException {
  const near = JSON.stringify(sql.slice(at, at + 40));
  return new ServerException(62, 'SYNTAX_ERROR', `Syntax error: failed at position ${at + 1}: ${near}.`);
}

function match(pattern: RegExp, sql: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0] ?? null;
}

/** Comments nest. */
function skipComment(sql: string, from: number): number {
  let depth = 0;
  for (let at = from; at < sql.length - 1;) {
    const pair = sql.slice(at, at + 2);
    if (pair === '/*') depth++;
    if (pair === '*/') depth--;
    at += pair === '/*' || pair === '*/' ? 2 : 1;
    if (depth === 0) return at;
  }
  throw unreadable(sql, from);
}

/** Finds the end of quoted text: a doubled quote and an escaped character belong to it. */
function findQuote(sql: string, from: number, quote: string): number {
  for (let at = from + 1; at < sql.length; at++) {
    if (sql[at] === '\\') at++;
    else if (sql[at] === quote) {
      if (sql[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  throw unreadable(sql, from);
}

function unquote(inner: string, quote: string, kind: 'text' | 'name', at: number): string {
  if (kind === 'name' && inner.includes('\\')) throw unreadable(inner, at);
  return inner
    .replaceAll(quote + quote, quote)
    .replaceAll(/\\(.)/gs, (escape, character: string) => ESCAPES.get(character) ?? escape);
}
