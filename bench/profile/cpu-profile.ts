/** A place in the code, as V8 names it. `url` is empty outside JavaScript; lines count from 0. */
export type Frame = { readonly functionName: string; readonly url: string; readonly lineNumber: number };

/** V8's CPU profile: a tree of stacks, and which of them was found at each sample. Times are microseconds. */
export type CpuProfile = {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: Frame;
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

/** A stack, innermost frame first, and how long it was what ran. */
export type StackTime = { readonly stack: readonly Frame[]; readonly micros: number };

/** The time of each stack: a sample stands for the time until the next one. Idle time is left out. */
export function stackTimes({ nodes, samples, timeDeltas }: CpuProfile): readonly StackTime[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const times = new Map<number, number>();
  for (const [index, id] of samples.entries()) times.set(id, (times.get(id) ?? 0) + (timeDeltas[index + 1] ?? 0));
  return [...times].flatMap(([id, micros]) => {
    const stack: Frame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) stack.push(byId.get(at)!.callFrame);
    return stack[0]!.functionName === '(idle)' ? [] : [{ stack, micros }];
  });
}
