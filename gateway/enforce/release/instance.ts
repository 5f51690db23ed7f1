/**
 * Names one process, as `worker-0/3/<run>`: holds remember who releases them, and a successor in the same place must
 * not be taken for the one that died. Numbers count up over all processes of one run of the gateway.
 */
export function instanceName(place: string, number: number, run: string): string {
  return `${place}/${number}/${run}`;
}

/**
 * Whether `instance` has ended, as far as `self` can know: of its own run it knows who was `alive` when it was started
 * and has `ended` since. Those of its run that came later count as alive: of their end there will be word. Another run has
 * ended where it is none of `liveRuns`; null: nobody knows which those are just now.
 */
export function hasEnded(
  instance: string,
  self: string,
  known: {
    readonly alive: readonly string[];
    readonly ended: ReadonlySet<string>;
    readonly liveRuns: readonly string[] | null;
  },
): boolean {
  if (known.ended.has(instance)) return true;
  if (known.alive.includes(instance)) return false;
  const [, number, run = ''] = instance.split('/');
  const [, ownNumber, ownRun] = self.split('/');
  if (run === ownRun) return Number(number) < Number(ownNumber);
  return known.liveRuns !== null && !known.liveRuns.includes(run);
}
