import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ANSWER_HEADERS_PLACE, HEADERS_PLACE, MEMBERS_OF_OTHERS } from '../gateway/domain/policy-input.ts';
import type { PolicyTarget } from '../gateway/domain/policy-target.ts';
import type { Lookup } from './reads.ts';

type Schema = {
  readonly $ref?: string;
  readonly properties?: { readonly [name: string]: Schema };
  readonly additionalProperties?: boolean | Schema;
  readonly enum?: readonly string[];
};

const schema = JSON.parse(readFileSync(join(import.meta.dirname, 'input.schema.json'), 'utf8')) as Schema & {
  readonly definitions: { readonly [name: string]: Schema };
};

export type Entrypoint = keyof typeof MEMBERS_OF_OTHERS;

/**
 * Problems of rules that look for something that the gateway never puts into their input: they could never match.
 * OPA's type checker finds only plain references, and knows neither headers nor values.
 *
 * @param systemOf the system that the rules of a file are for; null if they are for several
 */
export function createStrayReads(target: PolicyTarget, systemOf: (file: string) => string | null) {
  const found = new Set<string>();
  return {
    found: found as ReadonlySet<string>,
    visit({ path, lines, compared }: Lookup, entrypoint: Entrypoint): void {
      const known = schemaAt(path, entrypoint);
      if ('only' in known) {
        for (const line of lines) found.add(`${line}: ${refOf(path)} is never there: ${known.only}`);
        return;
      }
      for (const [text, line] of compared)
        if (known.schema?.enum && !known.schema.enum.includes(text))
          found.add(`${line}: ${refOf(path)} is never "${text}" (there is ${known.schema.enum.join(', ')})`);
      const header = headerOf(path, HEADERS_PLACE);
      const answerHeader = headerOf(path, ANSWER_HEADERS_PLACE);
      for (const line of lines) {
        const [file = ''] = line.split(/:\d+$/);
        const system = systemOf(file);
        const why =
          whyNoMessage(path, system, target) ??
          (header === null ? whyNotOfAnswer(answerHeader, target) : target.whyHeaderNeverThere(header, system));
        if (why !== null) found.add(`${line}: ${refOf(path)} is never there: ${why}`);
      }
    },
  };
}

/** The members of `input.action` that messages of MCP alone have. */
const OF_MESSAGES: ReadonlySet<string> = new Set(['tool', 'arguments', 'mcp']);

function whyNoMessage(
  [root, member = '', ...below]: readonly string[],
  system: string | null,
  { speaksMcp }: PolicyTarget,
): string | null {
  // What is below is found with the member itself.
  const isMember = root === 'action' && OF_MESSAGES.has(member) && below.length === 0;
  if (!isMember || system === null || speaksMcp(system)) return null;
  return `the system ${system} has no \`mcp\` in the configuration, so its calls are no calls of tools`;
}

function headerOf(path: readonly string[], place: readonly string[]): string | null {
  return path.length === place.length + 1 && place.every((name, index) => path[index] === name) ? path.at(-1)! : null;
}

function whyNotOfAnswer(header: string | null, { showsAnswerHeader }: PolicyTarget): string | null {
  if (header === null || showsAnswerHeader(header)) return null;
  const lower = header.toLowerCase();
  return lower !== header && showsAnswerHeader(lower)
    ? `header names are in lower case. Did you mean "${lower}"?`
    : 'policies do not see this header';
}

/** The schema of a place, undefined if it may be anything; or what there is only, if the place cannot exist. */
function schemaAt(
  path: readonly string[],
  entrypoint: Entrypoint,
): { readonly schema: Schema | undefined } | { readonly only: string } {
  let at: Schema | undefined = schema;
  for (const [depth, name] of path.entries()) {
    const names: readonly string[] = Object.keys(at.properties ?? {}).filter(
      (known) => depth > 0 || !MEMBERS_OF_OTHERS[entrypoint].includes(known),
    );
    const next: Schema | undefined = names.includes(name) ? at.properties![name] : undefined;
    if (!next && at.additionalProperties === false) {
      // What is below a place that cannot exist is found with it.
      return depth === path.length - 1 ? { only: `there is ${names.join(', ')}` } : { schema: undefined };
    }
    at = next ?? (typeof at.additionalProperties === 'object' ? at.additionalProperties : undefined);
    if (at?.$ref) at = schema.definitions[at.$ref.replace('#/definitions/', '')];
    if (!at) return { schema: undefined };
  }
  return { schema: at };
}

/** `input.action.headers["user-agent"]` */
function refOf(path: readonly string[]): string {
  return path.reduce((ref, name) => ref + (/^[a-z_]\w*$/i.test(name) ? `.${name}` : `["${name}"]`), 'input');
}
