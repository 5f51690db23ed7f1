import type { ContextPackage } from '../../../admin/api/hold-schemas.ts';
import { votes } from './hold-list.ts';
import { plain, quoted } from './plain-text.ts';

/** One hold as a person reads it before deciding. What others wrote is quoted, so that it cannot pass for ours. */
export function holdPage(hold: ContextPackage): string {
  const { action, policy, claims, decided, routing, diff, hints, artifacts, notes } = hold;
  const facts: [string, string][] = [
    ['Hold', `${hold.hold_id}, revision ${hold.revision}, ${state(hold)}`],
    ['Agent', `${hold.agent.id} (owner ${hold.agent.owner})`],
    ...(decided ? [['Decided', decision(decided)] satisfies [string, string]] : []),
    ...policy.reasons.map((reason): [string, string] => ['Because', reason]),
    ...rules(policy.matched),
    ...(hold.kind === 'approval' ? [['Approvals', votes(routing.demands)] satisfies [string, string]] : []),
    ...(routing.lease
      ? [['Claimed', `by ${routing.lease.by} until ${routing.lease.until}`] satisfies [string, string]]
      : []),
    ['Expires', hold.expires_at],
  ];
  return [
    ...(action ? [plain(action.summary), ''] : []),
    ...facts.map(([label, text]) => `${label.padEnd(10)} ${plain(text)}`),
    ...(action ? ['', ...sent(action)] : []),
    ...(diff && diff.edited_by.length > 0
      ? ['', `Changed by ${plain(diff.edited_by.join(', '))}. The agent had sent:`, quoted(json(diff.proposed))]
      : []),
    ...(Object.keys(claims).length > 0 ? ['', 'What the agent says, unchecked:', quoted(json(claims))] : []),
    ...hints.map((hint) => `Look closely: ${hint.kind} characters in ${hint.in}: ${plain(hint.excerpt)}`),
    ...(artifacts.length > 0
      ? ['', 'Artifacts:', ...artifacts.map(({ name, bytes }) => `  ${plain(name)} (${bytes} bytes)`)]
      : []),
    ...notes.flatMap(({ by, at, text }) => ['', `${plain(by)} noted at ${at}:`, quoted(text)]),
    ...(hold.openable.length > 0 && hold.status === 'pending'
      ? ['', 'A grant may leave open (approve --for TIME --uses N --open PLACE):']
      : []),
    ...(hold.status === 'pending' ? hold.openable.map((each) => `  ${openLine(each)}`) : []),
    '',
    plain(hold.consequence),
    '',
  ].join('\n');
}

/** What a grant covers, said before it is given. */
export function grantPage(
  { openable, action }: ContextPackage,
  { uses, for: time, open }: { readonly uses: number; readonly for: string; readonly open: readonly string[] },
): string {
  const calls = `up to ${uses} further ${uses === 1 ? 'call' : 'calls'} of this agent within ${time}`;
  const known = openable.filter(({ place }) => open.includes(place));
  if (known.length === 0) return `This also approves ${plain(calls)}, each the same as this one.\n`;
  return [
    `This also approves ${plain(calls)}, each the same as this one but for these places:`,
    ...known.map((each) => `  ${openLine(each)}`),
    ...(action ? [`The upstream stays ${plain(action.upstream ?? 'the same')}.`] : []),
    '',
  ].join('\n');
}

function openLine({ place, value, at_most }: ContextPackage['openable'][number]): string {
  return plain(`${place} (here ${JSON.stringify(value)}${at_most ? '; no more than that' : ''})`);
}

function sent(action: NonNullable<ContextPackage['action']>): string[] {
  const {
    method,
    url,
    headers,
    hidden_headers,
    tool,
    tool_definition,
    body_text,
    body_bytes,
    binary,
    sent_as,
    missing,
    readings,
  } = action;
  const head = [`${method} ${url}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  const hidden = hidden_headers.length > 0 ? [`and, not shown: ${hidden_headers.join(', ')}`] : [];
  const text = tool === null ? body_text : json(action.body);
  const body = text === null || body_bytes === 0 ? [] : [quoted(text)];
  return [
    'What is sent:',
    ...[...head, ...hidden].map((line) => `  ${plain(line)}`),
    ...(tool === null ? [] : [`The tool ${plain(tool)} with these arguments:`]),
    ...body,
    ...(tool_definition?.description ? ['Its server says of it:', quoted(tool_definition.description)] : []),
    ...(binary === null ? [] : [`The body is binary: ${file(binary)}. Download it from GET /api/holds/ID/body.`]),
    ...(sent_as === null || binary !== null
      ? []
      : [`The body is sent as ${plain(sent_as)}, and shown as policy reads it.`]),
    ...(missing === null ? [] : [plain(missing)]),
    ...(readings.length > 0 ? ['Systems may read it in several ways. Policy judged each:'] : []),
    ...readings.map(({ operation, segments, body }) => `  ${plain(JSON.stringify({ operation, segments, body }))}`),
  ];
}

function file({ type, bytes, sha256 }: NonNullable<NonNullable<ContextPackage['action']>['binary']>): string {
  return `${plain(type ?? 'no Content-Type')}, ${bytes} bytes, SHA-256 ${sha256}`;
}

function state({ status, execution, kind, level, overdue }: ContextPackage): string {
  const done = execution === 'none' ? status : `${status}, ${execution}`;
  return `${done}, ${kind === 'approval' ? `level ${level}` : kind}${overdue ? ', overdue' : ''}`;
}

/** Each rule with its verdict, and where it is in the policy. */
function rules(matched: ContextPackage['policy']['matched']): [string, string][] {
  if (matched.length === 0) return [['Rules', '-']];
  return matched.map(({ rule, verdict, places }, index) => {
    const at = places.map(({ file, line }) => `${file}:${line}`).join(', ');
    return [index === 0 ? 'Rules' : '', `${rule} (${verdict}${at === '' ? '' : `, ${at}`})`];
  });
}

function decision({ by, at, code, note }: NonNullable<ContextPackage['decided']>): string {
  return [`${by ? `by ${by} ` : ''}at ${at}`, code, note].filter((part) => part !== null).join(': ');
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? 'null';
}
