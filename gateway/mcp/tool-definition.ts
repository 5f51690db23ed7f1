import { hash } from 'node:crypto';
import type { RepeatedArgument } from '../domain/repeated-argument.ts';
import { canonicalJson, isNumber, isObject, isSameJson, parseExactly, type ExactJson } from '../json/exact-json.ts';

/** A tool as its server lists it. */
export type ToolDefinition = {
  readonly name: string;
  /** SHA-256 (hex) over its canonical JSON, in which the order of members makes no difference. */
  readonly digest: string;
  /** Whether the server itself runs the tool as a task for clients that ask (2025-11-25, `execution.taskSupport`). */
  readonly runsAsTask: boolean;
  /** The arguments that headers repeat. Empty if the schema declares them wrongly: clients then send none. */
  readonly repeated: readonly RepeatedArgument[];
};

/** The tool as it was listed last; null if it is not known. A promise where the store has to be asked. */
export type FindTool = (system: string, name: string) => ToolDefinition | null | Promise<ToolDefinition | null>;

/** How the names of such headers begin, in lower case. */
export const PARAM_PREFIX = 'mcp-param-';

/** A declaration deeper than this is none: schemas come from servers. */
const DEEPEST = 32;
/** The characters of a field name (RFC 9110 section 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~\w]+$/;

/** @param text JSON; null for what is no tool */
export function readTool(text: string): ToolDefinition | null {
  let tool: ExactJson;
  try {
    tool = parseExactly(text);
  } catch {
    return null;
  }
  const name = memberOf(tool, 'name');
  if (typeof name !== 'string') return null;
  const support = memberOf(memberOf(tool, 'execution'), 'taskSupport');
  return {
    name,
    digest: hash('sha256', canonicalJson(tool)),
    runsAsTask: support === 'optional' || support === 'required',
    repeated: repeatedIn(memberOf(tool, 'inputSchema')),
  };
}

/** An argument as its header repeats it; null if it has no such form, and so no header. */
export function repeatedValue(args: ExactJson | undefined, { path }: RepeatedArgument): string | null {
  const value = path.reduce<ExactJson | undefined>(memberOf, args);
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || isNumber(value)) return JSON.stringify(value);
  return null;
}

/** Whether a header says what its argument says. Numbers are compared as such (2026-07-28, Transports). */
export function isRepeated(header: string, value: string): boolean {
  return (
    header === value || (isDecimal(header) && isDecimal(value) && isSameJson(parseExactly(header), parseExactly(value)))
  );
}

function isDecimal(text: string): boolean {
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text);
}

/** A value with other characters than those of headers is sent as `=?base64?…?=` (2026-07-28, Transports). */
export function encodedHeader(value: string): string {
  const isPlain = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !/^=\?base64\?.*\?=$/.test(value);
  return isPlain ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`;
}

/** The value of a header that may be coded so; null without the header. */
export function decodedHeader(value: string | string[] | null | undefined): string | null {
  if (typeof value !== 'string') return null;
  const coded = /^=\?base64\?([\w+/]*={0,2})\?=$/.exec(value)?.[1];
  return coded === undefined ? value : Buffer.from(coded, 'base64').toString('utf8');
}

function repeatedIn(schema: ExactJson | undefined): RepeatedArgument[] {
  const found = new Map<string, RepeatedArgument>();
  let isValid = true;
  const visit = (node: ExactJson | undefined, path: readonly string[]): void => {
    const declared = memberOf(node, 'x-mcp-header');
    if (declared !== undefined) {
      const header = typeof declared === 'string' ? `${PARAM_PREFIX}${declared.toLowerCase()}` : '';
      isValid &&= TOKEN.test(header) && path.length > 0 && !found.has(header);
      found.set(header, { header, path });
    }
    const properties = memberOf(node, 'properties');
    if (path.length === DEEPEST || !isObject(properties)) return;
    for (const name of Object.keys(properties)) visit(memberOf(properties, name), [...path, name]);
  };
  visit(schema, []);
  return isValid ? [...found.values()] : [];
}

function memberOf(value: ExactJson | undefined, name: string): ExactJson | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
