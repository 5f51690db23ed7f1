import { z } from 'zod';
import type { schema } from './schema.ts';

/** What a key accepts, in the words of JSON Schema. */
type Node = z.core.JSONSchema.JSONSchema;
type Row = readonly [key: string, type: string, byDefault: string, meaning: string];

/** The configuration reference, `gateway/config/README.md`, as the schema and its descriptions say it. */
export function referencePage(whole: typeof schema): string {
  const root = z.toJSONSchema(whole, { io: 'input' });
  const keys = Object.entries(root.properties as Record<string, Node>);
  const isSection = (node: Node): boolean => listed(node) !== null || node.type === 'object';
  return `${[
    INTRODUCTION,
    table(keys.filter(([, node]) => !isSection(node)).flatMap(([key, node]) => rows(key, node, isRequired(root, key)))),
    ...keys.filter(([, node]) => isSection(node)).flatMap(([key, node]) => sections(key, node, 2)),
  ].join('\n\n')}\n`;
}

const INTRODUCTION = `# Configuration

Generated from \`gateway/config/schema.ts\`: change the descriptions there, then run \`npm exec -c 'vitest run test/gateway/config/reference-page.test.ts -u'\`.

The gateway reads one YAML file, \`holdpoint.yaml\` unless \`--config\` names another. Only \`systems\` is required. A saved file is in force within a second, without a restart and without a failed call.

- What comes into force: \`public_url\`, \`systems\`, \`agents\`, \`reviewers\`, \`notify\`, \`retention\` and \`log\`. The other sections, and the \`listen\` of a system, need a restart; the log names the fields.
- Calls under way finish under the configuration with which they began. A call that waits for a reviewer is released under the one of that moment.
- An agent or a system that leaves the configuration, or a grant that an agent loses, ends its holds, running calls and WebSocket connections as a suspension does. Holds also end when a system changes its \`upstream\`, its \`path\` or its headers, as the approval was for another call.
- A broken file changes nothing. The log, the metric \`holdpoint_config_in_force\` and, for operators, \`GET /api/config\` tell.
- SIGHUP reads the file at once, with the files that it names, such as \`openapi\`. Environment variables stay as they were at the start.

\`\`\`yaml
systems:
  payments:
    upstream: https://api.example.com
    credential: { header: authorization, value: "Bearer \${PAYMENTS_KEY}" }
    costs:
      - { operations: [createChatCompletion], answer: /usage/total_tokens, unit: USD, price: 0.000002 }  # used × price
      - { header: x-credits-used, unit: credits }                                                       # all other operations
      - { operations: ["POST /v1/refunds"], amount: 0.10, unit: EUR }                                   # fixed cost per call
agents:
  - { id: billing-bot, owner: ana@example.com, token_sha256: 5f2b…, roles: [payer], systems: [payments] }
reviewers:
  - { id: ben@example.com, token_sha256: 9c1e…, groups: [finance] }
\`\`\`

- Unknown keys, bad values and unset variables are errors. \`npx holdpoint check\` reports all of them at once, each with its line, its path and what was expected; so does the start.
- \`\${NAME}\` in a value is replaced by the environment variable, without its last line break; it must be set. \`$\${\` stands for a literal \`\${\`.
- A value that is a placeholder as a whole, such as \`$NAME\`, \`{{NAME}}\`, \`%NAME%\` or \`<your key>\`, is an error. A real value that looks like this must come from a variable or a file.
- Anchors, aliases and merge keys (\`<<: *common\`) work; top-level keys that begin with \`x-\` are ignored, so that anchors may stand there.
- Durations and sizes carry a unit: \`250ms\`, \`50s\`, \`30m\`, \`8h\`, \`2d\`; \`512KiB\`, \`1MiB\`, \`2GiB\`.
- Paths are relative to the configuration file.`;

/** A key with a section of its own, and below it the lists of sections that it contains. */
function sections(name: string, node: Node, depth: number): string[] {
  const content = listed(node) ?? node;
  const inner: [string, Node][] = [];
  const found = Object.entries(content.properties ?? {}).flatMap(([key, child]): Row[] => {
    if (listed(child as Node) === null) return rows(key, child as Node, isRequired(content, key));
    inner.push([key, child as Node]);
    return [];
  });
  const title = `${'#'.repeat(depth)} \`${name}${suffix(node)}\``;
  return [
    title,
    ...(node.description ? [node.description] : []),
    table(found),
    ...inner.flatMap(([key, child]) => sections(`${name}${suffix(node)}.${key}`, child, depth + 1)),
  ];
}

/** One row for a value; for a small section one for each of its keys, with dots between the names. */
function rows(key: string, node: Node, required: boolean, byDefault: unknown = node.default): Row[] {
  const values = named(node);
  if (values) return rows(`${key}.<name>`, values, false);
  if (!node.properties)
    return [[key, typeOf(node), defaultOf(node, byDefault) || needed(key, required), node.description ?? '']];
  return Object.entries(node.properties).flatMap(([inner, child]) => {
    const own = (byDefault as Record<string, unknown> | undefined)?.[inner] ?? (child as Node).default;
    return rows(`${key}.${inner}`, child as Node, own === undefined && isRequired(node, inner), own);
  });
}

/** What each entry of a list or a top-level map of sections looks like; null for anything else. */
function listed(node: Node): Node | null {
  const content = node.type === 'array' ? (node.items as Node) : named(node);
  return content?.properties ? content : null;
}

function named(node: Node): Node | null {
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : null;
}

function suffix(node: Node): string {
  if (node.type === 'array') return '[]';
  return named(node) ? '.<name>' : '';
}

function isRequired(parent: Node, key: string): boolean {
  return parent.required?.includes(key) ?? false;
}

function typeOf(node: Node): string {
  if (node.title) return node.title;
  if (node.enum) return node.enum.map((value) => `\`${value}\``).join(', ');
  if (node.type === 'array') return `list of ${typeOf(node.items as Node).replace(/^(string|integer)/, '$1s')}`;
  if (node.format === 'uri') return 'URL';
  if (node.minimum !== undefined && node.maximum !== undefined)
    return `${node.type}, ${node.minimum} to ${node.maximum.toLocaleString('en')}`;
  return String(node.type ?? '');
}

function defaultOf(node: Node, value: unknown): string {
  if (typeof node['defaultText'] === 'string') return node['defaultText'];
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return '';
  return `\`${Array.isArray(value) ? `[${value.join(', ')}]` : value}\``;
}

/** A key of a small section is required only where the section is there. */
function needed(key: string, required: boolean): string {
  if (!required) return '';
  const within = key.slice(0, Math.max(0, key.lastIndexOf('.')));
  return within ? `required with \`${within}\`` : 'required';
}

function table(lines: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(['key', 'type', 'default', 'meaning']),
    line(['---', '---', '---', '---']),
    ...lines.map(([key, ...cells]) => line([`\`${key}\``, ...cells])),
  ].join('\n');
}
