import type { Frame, StackTime } from './cpu-profile.ts';

/** In the order of a call's path, and last what belongs to no stage. */
export const STAGES = {
  http: 'HTTP server (fast lane, node:http)',
  identify: 'identify',
  describe: 'describe',
  usage: 'usage',
  decide: 'decide',
  record: 'record (events, mask, metrics)',
  journal: 'journal (frames, ledger, commit)',
  forward: 'forward (upstream leg)',
  answer: 'answer (agent’s socket)',
  meter: 'meter (answers, drift)',
  hold: 'hold',
  native: 'event loop and reads of sockets (native)',
  collection: 'garbage collection',
  rest: 'rest',
} as const;

export type Stage = keyof typeof STAGES;

/** The stage of a file and of everything it calls. The first match counts; other files count for their callers. */
const OWNERS: readonly (readonly [path: string, stage: Stage | undefined])[] = [
  ['gateway/identify/', 'identify'],
  ['gateway/describe/', 'describe'],
  ['gateway/metering/usage', 'usage'],
  ['gateway/metering/shared-counts.ts', 'usage'],
  ['gateway/metering/exchanges.ts', 'usage'],
  ['gateway/decide/', 'decide'],
  ['gateway/record/', 'record'],
  ['audit/mask/', 'record'],
  ['audit/journal/', 'journal'],
  ['audit/ledger/', 'journal'],
  ['gateway/metering/', 'meter'],
  ['gateway/holds/', 'hold'],
  ['gateway/enforce/reply/', 'answer'],
  ['gateway/enforce/refuse.ts', 'answer'],
  ['gateway/enforce/', 'forward'],
  ['gateway/wire/lane/answer-head.ts', 'answer'],
  ['gateway/wire/lane/response.ts', 'answer'],
  ['gateway/wire/lane/writer.ts', 'answer'],
  ['gateway/wire/lane/', 'http'],
  ['gateway/wire/node-message.ts', 'answer'],
  // Both sides read header fields with it.
  ['gateway/wire/field-lines.ts', undefined],
  ['gateway/wire/', 'forward'],
];

/**
 * The stage of a stack: that of its innermost file with a stage. So libraries and node's internals count for the stage
 * that called them, and a socket write for its writer. Vocabulary (`gateway/domain`) and the files that put things
 * together count for their callers.
 *
 * @param stack innermost frame first
 */
export function stageOf(stack: readonly Frame[]): Stage {
  const [innermost] = stack;
  if (innermost?.functionName === '(garbage collector)') return 'collection';
  if (innermost?.functionName === '(program)') return 'native';
  let http = false;
  for (const { url } of stack) {
    http ||= url.startsWith('node:_http_');
    const file = ownFile(url);
    const stage = OWNERS.find(([path]) => file?.startsWith(path))?.[1];
    // Only agents are spoken to through node:http; the answer may be written from any file of `enforce`.
    if (stage === 'forward' && http) return 'answer';
    if (stage !== undefined) return stage;
  }
  if (http) return 'http';
  return stack.some(({ url }) => url.includes('/node_modules/undici/')) ? 'forward' : 'rest';
}

/** Path within the repository; null for a file of others. */
function ownFile(url: string): string | null {
  return /\/((?:gateway|audit|policies|admin)\/(?!.*node_modules).*\.ts)$/.exec(url)?.[1] ?? null;
}

export type StageTime = {
  readonly stage: Stage;
  readonly micros: number;
  /** Time of the functions themselves, without what they called; most first. */
  readonly functions: readonly { readonly name: string; readonly micros: number }[];
};

/** Time of each stage that took any. */
export function stageTimes(stacks: readonly StackTime[]): readonly StageTime[] {
  return (Object.keys(STAGES) as Stage[]).flatMap((stage) => {
    const mine = stacks.filter(({ stack }) => stageOf(stack) === stage);
    const functions = new Map<string, number>();
    for (const { stack, micros } of mine) {
      const name = nameOf(stack[0]!);
      functions.set(name, (functions.get(name) ?? 0) + micros);
    }
    const micros = mine.reduce((sum, one) => sum + one.micros, 0);
    const most = [...functions].toSorted((a, b) => b[1] - a[1]).map(([name, took]) => ({ name, micros: took }));
    return micros > 0 ? [{ stage, micros, functions: most }] : [];
  });
}

function nameOf({ functionName, url, lineNumber }: Frame): string {
  const name = functionName || 'anonymous';
  if (url === '') return name;
  if (url.startsWith('wasm:')) return `${name} (WebAssembly)`;
  const file = ownFile(url) ?? url.replace(/^.*\/node_modules\//, '').replace(/^node:internal\//, 'node:');
  return `${name} ${file.replace(/^.*\//, '')}:${lineNumber + 1}`;
}
