import { expect, test } from 'vitest';
import { stackTimes } from '../../bench/profile/cpu-profile.ts';
import type { CpuProfile, Frame } from '../../bench/profile/cpu-profile.ts';
import { profileText } from '../../bench/profile/profile-text.ts';
import { stageOf, stageTimes } from '../../bench/profile/stages.ts';

const frame = (functionName: string, url = ''): Frame => ({ functionName, url, lineNumber: 9 });
const ours = (path: string): Frame => frame('f', `file:///srv/holdpoint/${path}`);
const PIPELINE = ours('gateway/pipeline.ts');
const ROOT = frame('(root)');

const STACKS: readonly { readonly what: string; readonly stage: string; readonly stack: readonly Frame[] }[] = [
  {
    what: 'WebAssembly goes to the stage that runs it',
    stage: 'decide',
    stack: [frame('wasm-function[7]', 'wasm://wasm/00a1'), ours('gateway/decide/instance.ts'), PIPELINE],
  },
  {
    what: 'vocabulary goes to whoever uses it',
    stage: 'record',
    stack: [ours('gateway/domain/id.ts'), ours('gateway/record/recorder.ts'), PIPELINE],
  },
  {
    what: 'a stage that another one calls keeps its own time',
    stage: 'journal',
    stack: [frame('fdatasync'), ours('audit/journal/journal.ts'), ours('gateway/record/recorder.ts'), PIPELINE],
  },
  {
    what: 'a write to the upstream is the forwarding',
    stage: 'forward',
    stack: [frame('writev'), frame('_write', 'node:net'), ours('gateway/wire/connection.ts')],
  },
  {
    what: 'a write to the agent is the answer, whoever writes',
    stage: 'answer',
    stack: [frame('writev'), frame('end', 'node:_http_outgoing'), ours('gateway/enforce/forward.ts')],
  },
  {
    what: 'so is a write of the fast lane, at the end of a turn',
    stage: 'answer',
    stack: [
      frame('writeLatin1String'),
      frame('_write', 'node:net'),
      ours('gateway/wire/lane/writer.ts'),
      ours('gateway/wire/lane/turn.ts'),
    ],
  },
  {
    what: 'what reads the upstream’s answer is not the agent’s answer',
    stage: 'forward',
    stack: [ours('gateway/wire/answer-reader.ts'), frame('onStreamRead', 'node:internal/stream_base_commons')],
  },
  {
    what: 'parsing a request is the HTTP server’s',
    stage: 'http',
    stack: [frame('parserOnHeadersComplete', 'node:_http_common'), ROOT],
  },
  {
    what: 'so is parsing it in the fast lane',
    stage: 'http',
    stack: [ours('gateway/wire/field-lines.ts'), ours('gateway/wire/lane/plain-head.ts'), ROOT],
  },
  {
    what: 'handing it to the pipeline is too',
    stage: 'http',
    stack: [ours('gateway/agents/server.ts'), frame('parserOnIncoming', 'node:_http_server'), ROOT],
  },
  {
    what: 'a library goes to who called it',
    stage: 'record',
    stack: [frame('write', 'file:///srv/node_modules/pino/lib/proto.js'), ours('gateway/record/recorder.ts')],
  },
  {
    what: 'garbage is collected for nobody in particular',
    stage: 'collection',
    stack: [frame('(garbage collector)'), ours('gateway/decide/decider.ts')],
  },
  { what: 'what is not in JavaScript is the event loop’s', stage: 'native', stack: [frame('(program)'), ROOT] },
  {
    what: 'the rest is called so',
    stage: 'rest',
    stack: [frame('processTicksAndRejections', 'node:internal/process/task_queues'), ROOT],
  },
];

test.each(STACKS)('time goes to the right stage: $what', ({ stack, stage }) => {
  expect(stageOf(stack)).toBe(stage);
});

const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame: ROOT, children: [2, 4, 5] },
    { id: 2, callFrame: ours('gateway/identify/token.ts'), children: [3] },
    { id: 3, callFrame: frame('hash') },
    { id: 4, callFrame: frame('(idle)') },
    { id: 5, callFrame: ours('gateway/decide/decider.ts') },
  ],
  samples: [2, 3, 4, 5, 5, 2],
  // The time of each sample since the one before it; of the first since the start, when no stack was known.
  timeDeltas: [1_000, 100, 200, 5_000, 300, 400],
};

test('a sample stands for the time until the next one, and idle time is left out', () => {
  const times = stageTimes(stackTimes(PROFILE));
  expect(times).toEqual([
    {
      stage: 'identify',
      micros: 300,
      functions: [
        { name: 'hash', micros: 200 },
        { name: 'f token.ts:10', micros: 100 },
      ],
    },
    { stage: 'decide', micros: 700, functions: [{ name: 'f decider.ts:10', micros: 700 }] },
  ]);
});

test('shares come from the profiler, and the sum from the run without it', () => {
  const text = profileText({
    scenario: 'small JSON POST',
    seconds: 6,
    interval: 100,
    machine: { node: 'v26' },
    // Half of the profiled run's time for as many calls.
    plain: {
      calls: 10,
      used: {
        main: 500,
        others: new Map([
          ['libuv-worker', 100],
          ['asleep', 0],
        ]),
      },
    },
    profiled: { calls: 10, stages: stageTimes(stackTimes(PROFILE)) },
  });
  const cells = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
  expect(cells).toEqual([
    ['identify', '15.0', '25.0 %'],
    ['decide', '35.0', '58.3 %'],
    ['libuv’s threads (disk)', '10.0', '16.7 %'],
    ['together', '60.0', '100 %'],
  ]);
  expect(text).toContain('- identify: hash 10.0, f token.ts:10 5.0');
});
