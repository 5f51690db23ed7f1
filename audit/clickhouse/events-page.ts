import {
  EVENT_FIELDS,
  EVENT_TYPES,
  EVENT_VERSION,
  FAILURES,
  type EventField,
  type EventType,
} from '../../gateway/domain/event.ts';
import { EVENT_COLUMNS } from './event-columns.ts';

/**
 * The page for analysts, `audit/EVENTS.md`: generated from the list of events and the views.
 * @param views the template of the views, `audit/clickhouse/schema/views.sql`
 */
export function eventsPage(views: string): string {
  return `${[
    '# What is in ClickHouse',
    `Generated from the list of events (\`gateway/domain/event.ts\`, version ${EVENT_VERSION}) and the views (\`audit/clickhouse/schema/views.sql\`); \`vitest run test/audit/clickhouse/events-page.test.ts -u\` regenerates it.`,
    TABLES,
    '## Types of events',
    "An absent field is empty: `''`, `0` or `[]`; an absent `confidence` is `NULL`. Every event has `event_id`, `at`, `version`, `node`, `type`, `layer`, `actor` and `actor_kind`.",
    ...typeSections(),
    '## Fields',
    fieldsTable(),
    '`chain`, `seq` and `hash` are the place in the ledger: the chain, the number in it, and a short hash of number and line. `shipped_at` is its arrival time.',
    '## Classes of failure',
    table(
      ['`failure`', 'layer', ''],
      Object.entries(FAILURES).map(([name, { layer, about }]) => [`\`${name}\``, layer, about]),
    ),
    '## Columns of the views',
    ...viewColumns(views),
  ].join('\n\n')}\n`;
}

const TABLES = `Everything is in the database \`holdpoint\`. Times are UTC, to the millisecond.

| table | one row is | |
|---|---|---|
| \`events\` | one step | the ledger; rows are only ever added |
| \`calls\` | one call | its steps combined |
| \`holds\` | one hold | the same for holds |
| \`minutes\` | one minute, agent, owner, system, operation, verdict and unit of cost | sums, for dashboards |
| \`policy_rules\` | one place of a rule, in each revision of the policy | the verdict, file and line of the rules that calls and holds name |
| \`ledger\` | one step | \`events\` with \`prev_hash\`, the hash of the previous event in the chain |
| \`checkpoints\` | one signed statement about a chain | the basis of \`audit verify\` |

\`SELECT count() FROM holdpoint.calls\` is exact at any time: steps are combined when they are read, in whatever order and however late they arrive, and a repeated delivery is not counted twice.

A query is fast with these conditions: in \`events\` an \`agent\`, and with it a \`system\` and an \`operation\`, or a \`call_id\`, \`hold_id\` or period of \`at\`; in \`calls\` and \`holds\` a period of \`at\` or \`opened_at\`, or the identifier; in \`minutes\` a period of \`minute\`. Identifiers begin with their time, so \`ORDER BY call_id DESC\` is newest first; give a period with it.`;

/** One section for each kind of event. It lists fields that all its types share once. */
function typeSections(): string[] {
  const kinds = new Map<string, [EventType, ...EventType[]]>();
  for (const type of Object.keys(EVENT_TYPES) as EventType[]) {
    const kind = type.slice(0, type.indexOf('.'));
    const types = kinds.get(kind);
    if (types) types.push(type);
    else kinds.set(kind, [type]);
  }
  return [...kinds].flatMap(([kind, types]) => {
    const [always, maybe] = [inAll(types, carried), inAll(types, mentioned)];
    const rest = maybe.filter((field) => !always.includes(field));
    const said = [
      ...(always.length > 0 ? [`Always: ${list(always)}.`] : []),
      ...(rest.length > 0 ? [`If present: ${list(rest)}.`] : []),
    ];
    const rows = types.map((type) => {
      const own = carried(type).filter((field) => !always.includes(field));
      const may = mentioned(type).filter((field) => !maybe.includes(field) && !own.includes(field));
      return [
        `\`${type}\``,
        [EVENT_TYPES[type].layer].flat().join(', '),
        EVENT_TYPES[type].about,
        list(own),
        list(may),
      ];
    });
    return [`### ${kind}`, ...said, table(['`type`', 'layer', 'what happened', 'always', 'if present'], rows)];
  });
}

/** The fields of every event of the type, without those of all events. */
function carried(type: EventType): EventField[] {
  return EVENT_TYPES[type].has.filter((field) => !inAll(Object.keys(EVENT_TYPES) as EventType[], has).includes(field));
}

/** The fields that an event of the type may have, without those of all events. */
function mentioned(type: EventType): EventField[] {
  return [...carried(type), ...EVENT_TYPES[type].may];
}

function has(type: EventType): readonly EventField[] {
  return EVENT_TYPES[type].has;
}

function inAll(types: readonly EventType[], of: (type: EventType) => readonly EventField[]): EventField[] {
  return (Object.keys(EVENT_FIELDS) as EventField[]).filter((field) => types.every((type) => of(type).includes(field)));
}

function fieldsTable(): string {
  return table(
    ['field', 'type', ''],
    EVENT_COLUMNS.map(({ name, definition }) => [
      `\`${name}\``,
      `\`${definition.replace(/ CODEC.*/, '')}\``,
      EVENT_FIELDS[name].about,
    ]),
  );
}

/** One list of columns for each view that has one. */
function viewColumns(views: string): string[] {
  return [...views.matchAll(/VIEW holdpoint\.(\w+) \{\{on cluster\}\}\n\(\n(.+?)\n\)\nAS/gs)].map(
    ([, name, columns]) =>
      `**\`${name}\`**: ${columns!
        .trim()
        .replaceAll(/\s+/g, ' ')
        .replaceAll(/(\w+) ((?:\w+)(?:\((?:[^()]|\([^()]*\))*\))?)/g, '`$1` $2')}`,
  );
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(' ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
