import type { IncomingHttpHeaders } from 'node:http';
import { MCP_HEADERS, plainName } from '../../domain/header-roles.ts';
import type { RepeatedArgument } from '../../domain/repeated-argument.ts';
import { Problem } from '../../domain/problem.ts';
import { parseExactly } from '../../json/exact-json.ts';
import { MessageError } from '../../mcp/message-error.ts';
import type { Message } from '../../mcp/message.ts';
import { HEADER_MISMATCH, PROTOCOL_VERSION_KEY } from '../../mcp/protocol.ts';
import { decodedHeader, isRepeated, repeatedValue } from '../../mcp/tool-definition.ts';

/** Methods whose subject is repeated in `Mcp-Name`. Clients leave it out for tasks, where the revision wants it too. */
const NAMED: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/**
 * Refuses a header of MCP that is there twice, or spelled with `_`, which some servers read as `-`: the server might take
 * another than the one that is compared here.
 * @throws Problem `bad-request`
 */
export function assertPlainHeaders(raw: readonly string[]): void {
  const seen = new Set<string>();
  for (let i = 0; i < raw.length; i += 2) {
    const plain = plainName(raw[i]!);
    if (!MCP_HEADERS.has(plain)) continue;
    if (seen.has(plain) || raw[i]!.includes('_'))
      throw new Problem('bad-request', { detail: `Send the header ${plain} once, spelled so.` });
    seen.add(plain);
  }
}

/**
 * Compares what the headers of revision 2026-07-28 repeat with the message. A server may route by a header, so policy
 * must not judge something else. Of earlier revisions, headers that are there must fit too.
 * @throws MessageError -32020
 */
export function assertRoutingHeaders(message: Message, headers: IncomingHttpHeaders): void {
  const isModern = message.era === 'modern';
  const check = (name: string, expected: string, isRequired: boolean) => {
    const sent = decodedHeader(headers[name]);
    if (sent === null ? !isRequired : sent === expected) return;
    const problem = sent === null ? 'is missing' : 'says something else than the body';
    throw new MessageError(HEADER_MISMATCH, `The header ${name} ${problem}. Send both alike.`, message.id);
  };
  if (isModern) check('mcp-protocol-version', revisionOf(message), true);
  check('mcp-method', message.method, isModern);
  if (message.subject !== null) check('mcp-name', message.subject, isModern && NAMED.has(message.method));
}

function revisionOf({ meta }: Message): string {
  const revision = meta?.[PROTOCOL_VERSION_KEY];
  return typeof revision === 'string' ? revision : '';
}

/**
 * Compares headers that repeat arguments with the arguments. A missing one is for the server to refuse: the definition
 * that the gateway saw may be older than the server's.
 * @throws MessageError -32020
 */
export function assertRepeatedArguments(
  { args, id }: Message,
  repeated: readonly RepeatedArgument[],
  headers: IncomingHttpHeaders,
): void {
  const sent = repeated.filter(({ header }) => headers[header] !== undefined);
  if (sent.length === 0) return;
  const parsed = args === null ? undefined : parseExactly(args);
  for (const argument of sent) {
    const { header, path } = argument;
    const value = repeatedValue(parsed, argument);
    const said = decodedHeader(headers[header]);
    if (value !== null && said !== null && isRepeated(said, value)) continue;
    const detail = `The header ${header} says something else than the argument ${path.join('.')}. Send both alike.`;
    throw new MessageError(HEADER_MISMATCH, detail, id);
  }
}
