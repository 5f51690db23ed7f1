/** Milliseconds of processor time that an evaluation may take, so that other calls of the worker need not wait longer. */
const LIMIT = 50;
/** Characters of input that are worth a millisecond more: reading a large body takes time that no rule can help. */
const CHARACTERS_PER_MS = 20_000;

/** Ends evaluations that take too long. */
export type TimeLimit = {
  start(input: string): void;
  /** @throws Error that names the rule which is being evaluated, once time is up */
  readonly check: () => void;
  stop(): void;
};

/** Processor time of this thread counts, so that a busy machine refuses no call. */
export function createTimeLimit(): TimeLimit {
  let started = Infinity;
  let limit = LIMIT;
  let cpu: NodeJS.CpuUsage | null = null;
  return {
    start(input) {
      started = performance.now();
      limit = LIMIT + input.length / CHARACTERS_PER_MS;
      cpu = null;
    },
    check() {
      const elapsed = performance.now() - started;
      // Nearly all evaluations are over by then; the system call would cost them more than the clock does.
      if (elapsed < 1) return;
      if (cpu === null) {
        cpu = process.threadCpuUsage();
        return;
      }
      if (elapsed < limit) return;
      const { user, system } = process.threadCpuUsage(cpu);
      if ((user + system) / 1000 >= limit) throw timeIsUp(limit);
    },
    stop() {
      started = Infinity;
    },
  };
}

/** As many frames as lie between a function of OPA's runtime and the rule that calls it. */
const FRAMES = 100;

function timeIsUp(limit: number): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  // The module's functions are named after rules: `g0.data.rules.crm.hold`.
  const rule = /\bg\d+\.data\.(\S+)/.exec(stack)?.[1];
  return new Error(`the evaluation took over ${Math.round(limit)} ms${rule === undefined ? '' : `, in ${rule}`}`);
}
