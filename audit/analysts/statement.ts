import { FUNCTIONS, READING, SHOWN, SYSTEM_TABLES, TABLE_FUNCTIONS, WRITING } from './allowed.ts';
import { ServerException } from './exception.ts';
import type { Token } from './tokens.ts';
import { tokenize, unreadable } from './tokens.ts';

/** A statement that may run on a connection in readonly mode. */
export type Statement = {
  /** Without its semicolon and its settings; empty when there is nothing to run. */
  readonly sql: string;
  /** The format that the statement names. */
  readonly format: string | null;
  /** Its SETTINGS, values as written. A readonly connection takes no settings from a statement. */
  readonly settings: readonly { readonly name: string; readonly literal: string }[];
};

export type Reading = {
  /** The request's parameters, values as sent. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Lowercase names of the table functions that the engine has. */
  readonly tableFunctions: ReadonlySet<string>;
};

/** Strings that are SQL may nest so deep: each level is read again. */
const TEXT_DEPTH = 8;
/** Most names in the value of an `Identifier`: a statement may repeat it many times. */
const IDENTIFIER_NAMES = 16;

/**
 * Reads one statement and checks that it only reads, and only what analysts may see. The connection's `readonly` also
 * refuses writes, files and other machines; this check covers what `readonly` lets pass. It runs in the process that
 * serves every query, so its time grows with the length of the statement and no faster.
 * @throws ServerException with the error that a server would give
 */
export function readStatement(sql: string, reading: Reading): Statement {
  const tokens = tokenize(sql);
  while (is(tokens.at(-1), ';')) tokens.pop();
  const several = tokens.find((token) => is(token, ';'));
  if (several) {
    throw new ServerException(62, 'SYNTAX_ERROR', `Multi-statements are not allowed: position ${several.from + 1}.`);
  }
  if (tokens.length === 0) throw new ServerException(62, 'SYNTAX_ERROR', 'Syntax error: Empty query.');
  const words = tokens.filter(({ kind, value }) => !(kind === 'mark' && value === '('));
  const verb = word(words[0]);
  if (verb === 'use') return use(sql, tokens);
  if (WRITING.has(verb)) {
    throw new ServerException(164, 'READONLY', `Cannot execute query in readonly mode: ${verb.toUpperCase()}.`);
  }
  if (!READING.has(verb)) throw unreadable(sql, tokens[0]!.from);
  if (verb === 'show') checkShow(words);
  checkNames(tokens, reading, (columns) => checkText(columns, reading));
  return takeSettings(sql.slice(0, tokens.at(-1)!.to), tokens);
}

/** The id of the query that `KILL QUERY WHERE query_id = '…'` names; null for any other statement, also of KILL. */
export function killedQuery(sql: string): string | null {
  if (!/^\s*kill\b/i.test(sql)) return null;
  const tokens = tokenize(sql).filter((token) => !is(token, ';'));
  const [, , , , equals, id, mode] = tokens;
  const words = tokens.slice(0, 4).map(word).join(' ');
  const isPlain = tokens.length === 6 || (tokens.length === 7 && ['sync', 'async'].includes(word(mode)));
  return words === 'kill query where query_id' && is(equals, '=') && id?.kind === 'text' && isPlain ? id.value : null;
}

/**
 * Checks a string that the engine reads as SQL: an expression, a map from tables to expressions, or columns.
 * @throws ServerException with the error that a server would give
 */
export function checkText(text: string, reading: Reading, depth = 1): void {
  if (depth > TEXT_DEPTH) throw new ServerException(36, 'BAD_ARGUMENTS', 'Strings that are SQL nest too deeply.');
  // Other escapes can spell a name that this check does not see.
  if (/\\[^\\'"`]/.test(text))
    throw new ServerException(36, 'BAD_ARGUMENTS', 'Escapes are not supported in a string that is SQL.');
  const tokens = tokenize(text);
  // Columns of `values` are among the strings below.
  checkNames(tokens, reading, () => {});
  checkSettings(tokens);
  for (const { kind, value } of tokens) if (kind === 'text') checkText(value, reading, depth + 1);
}

/** @param checkColumns checks the columns of `values('a UInt8, b String ALIAS lower(a)', 1)`, which any function may compute */
function checkNames(written: readonly Token[], reading: Reading, checkColumns: (columns: string) => void): void {
  const { tableFunctions } = reading;
  const tokens = nameParameters(written, reading.parameters);
  tokens.forEach((token, at) => {
    if (token.kind !== 'word' && token.kind !== 'name') return;
    const name = token.value.toLowerCase();
    const next = tokens[at + 1];
    if (word(token) === 'into' && word(next) === 'outfile') {
      throw new ServerException(348, 'INTO_OUTFILE_NOT_ALLOWED', 'INTO OUTFILE is not allowed.');
    }
    if (word(token) === 'parallel' && word(next) === 'with') throw denied('PARALLEL WITH');
    if (FUNCTIONS.test(name)) throw denied(`the name ${token.value}, which is that of a function`);
    if (is(next, '(') && tableFunctions.has(name) && !TABLE_FUNCTIONS.has(name)) {
      throw denied(`the table function ${token.value}`);
    }
    if (is(next, '(') && name === 'values') {
      const columns = columnsOf(tokens, at + 2);
      if (columns !== null) checkColumns(columns);
    }
    const table = is(next, '.') ? tokens[at + 2] : undefined;
    // Its tables are the files of this machine.
    if (name === 'default' && table) throw denied('the database default');
    if (name === 'system' && (table?.kind === 'word' || table?.kind === 'name')) {
      if (!SYSTEM_TABLES.has(table.value.toLowerCase())) throw denied(`SELECT ON system.${table.value}`);
    }
  });
}

/** The columns that `values(` names; null if it names none. Brackets around the string change nothing; an expression in its place is refused. */
function columnsOf(tokens: readonly Token[], inside: number): string | null {
  let at = inside;
  while (is(tokens[at], '(')) at++;
  const first = tokens[at];
  if (first?.kind === 'text') return first.value;
  if (!first || !isLiteral(first)) throw denied('VALUES that begin with neither a number nor a string');
  return null;
}

/** Replaces `{x:Identifier}` by its value: a name, or several with dots between them. */
function nameParameters(tokens: readonly Token[], parameters: ReadonlyMap<string, string>): readonly Token[] {
  const named: Token[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    const [name, colon, type, end] = tokens.slice(at + 1, at + 5);
    if (is(token, '{') && is(colon, ':') && word(type) === 'identifier' && is(end, '}')) {
      const { from, to } = token;
      const parts = (parameters.get(name?.value ?? '') ?? '').split('.', IDENTIFIER_NAMES + 1);
      if (parts.length > IDENTIFIER_NAMES)
        throw new ServerException(36, 'BAD_ARGUMENTS', 'An Identifier has too many parts.');
      parts.forEach((part, n) => {
        if (n > 0) named.push({ kind: 'mark', value: '.', from, to });
        named.push({ kind: 'name', value: part.replaceAll(/[`"\\]/g, ''), from, to });
      });
      at += 4;
    } else {
      named.push(token);
    }
  }
  return named;
}

function checkShow(words: readonly Token[]): void {
  const what = words
    .slice(1)
    .map(word)
    .find((word) => !['full', 'extended', 'temporary', 'changed'].includes(word));
  if (what === undefined || !SHOWN.has(what)) throw denied(`SHOW ${(what ?? '').toUpperCase()}`);
}

/** Each request has a connection of its own, so USE has no effect; but clients send it. */
function use(sql: string, tokens: readonly Token[]): Statement {
  const names = tokens.slice(word(tokens[1]) === 'database' && tokens.length > 2 ? 2 : 1);
  if (names.length !== 1) throw unreadable(sql, tokens[0]!.from);
  checkDatabase(names[0]!.value);
  return { sql: '', format: null, settings: [] };
}

/** @throws ServerException for any database but `holdpoint`, which is also the default */
export function checkDatabase(name: string): void {
  if (name === '' || name === 'holdpoint' || name === 'default') return;
  if (/^(?:system|information_schema)$/i.test(name)) throw denied(`USE ${name}: name its tables ${name}.<table>`);
  throw new ServerException(81, 'UNKNOWN_DATABASE', `Database ${name} does not exist.`);
}

/** Removes SETTINGS from the end of a statement and finds FORMAT there, in either order. */
function takeSettings(sql: string, tokens: readonly Token[]): Statement {
  const depths = depthsOf(tokens);
  const outer = (at: number, text: string) => depths[at] === 0 && word(tokens[at]) === text;
  let format: string | null = null;
  let end = tokens.length;
  let settings: Statement['settings'] = [];
  let taken = -1;
  let text = sql;
  for (let at = tokens.length - 1; at > 0; at--) {
    if (format === null && outer(at, 'format') && at + 2 === end && tokens[at + 1]!.kind === 'word') {
      format = tokens[at + 1]!.value;
      end = at;
    } else if (settings.length === 0 && depths[at] === 0 && beginSettings(tokens, at)) {
      settings = assignments(sql, tokens.slice(at + 1, end));
      const after = tokens[end];
      text = `${text.slice(0, tokens[at]!.from)} ${after ? text.slice(after.from) : ''}`;
      end = at;
      taken = at;
    }
  }
  checkSettings(tokens, taken);
  return { sql: text, format, settings };
}

/** In the engine, settings of a subquery override the connection's. */
function checkSettings(tokens: readonly Token[], taken = -1): void {
  const other = tokens.some((_, at) => at !== taken && beginSettings(tokens, at));
  if (other) throw new ServerException(164, 'READONLY', 'SETTINGS are allowed only at the end of a statement.');
}

/**
 * Whether SETTINGS may begin here. More than `name =` can follow: a name alone means 1, and a name may have dots. So every
 * bare `settings` before a name counts, except `t.settings` and `SHOW SETTINGS`.
 */
function beginSettings(tokens: readonly Token[], at: number): boolean {
  const next = tokens[at + 1];
  if (word(tokens[at]) !== 'settings' || (next?.kind !== 'word' && next?.kind !== 'name')) return false;
  const isMember = is(tokens[at - 1], '.') && !/^\d/.test(tokens[at - 2]?.value ?? '0');
  const isShown = word(tokens[0]) === 'show' && (at === 1 || (at === 2 && word(tokens[1]) === 'changed'));
  return !isMember && !isShown;
}

function assignments(sql: string, tokens: readonly Token[]): Statement['settings'] {
  const depths = depthsOf(tokens);
  const commas = tokens.flatMap((token, at) => (is(token, ',') && depths[at] === 0 ? [at] : []));
  return [-1, ...commas].map((comma, n) => {
    const [name, equals, ...value] = tokens.slice(comma + 1, commas[n] ?? tokens.length);
    if (name?.kind === 'word' && !equals) return { name: name.value, literal: '1' };
    if (name?.kind !== 'word' || !is(equals, '=') || !value.every(isLiteral) || value.length === 0) {
      throw unreadable(sql, (name ?? tokens[0]!).from);
    }
    return { name: name.value, literal: sql.slice(value[0]!.from, value.at(-1)!.to) };
  });
}

/** A value that is moved out of a statement must be a literal, without names to evaluate. */
function isLiteral({ kind, value }: Token): boolean {
  if (kind === 'mark') return '+-.,:{}[]()'.includes(value);
  return kind === 'text' || (kind === 'word' && /^(?:\d\w*|true|false|null|inf|nan)$/i.test(value));
}

/** Each token's depth in brackets; a bracket counts as inside. */
function depthsOf(tokens: readonly Token[]): number[] {
  let depth = 0;
  return tokens.map(({ kind, value }) => {
    if (kind !== 'mark') return depth;
    if ('([{'.includes(value)) return ++depth;
    if (')]}'.includes(value)) return depth--;
    return depth;
  });
}

function is(token: Token | undefined, mark: string): boolean {
  return token?.kind === 'mark' && token.value === mark;
}

function word(token: Token | undefined): string {
  return token?.kind === 'word' ? token.value.toLowerCase() : '';
}

function denied(what: string): ServerException {
  return new ServerException(497, 'ACCESS_DENIED', `Not enough privileges. Analysts may not use ${what}.`);
}
