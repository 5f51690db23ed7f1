/**
 * Names one process, as `worker-0/3/<run>`. A hold names the process that releases it, so a restarted worker must not
 * share the name of the one that died. Numbers count up over all processes of one run of the gateway.
 */
export function instanceName(place: string, number: number, run: string): string {
  return `${place}/${number}/${run}`;
}

/**
 * Whether `instance` has ended, as far as `self` can know.
 *
 * In its own run, `self` knows the processes that were `alive` when it started and those that `ended` since. Later
 * processes count as alive: the supervisor reports their end. Processes of another run have ended if it is `endedRun`, or
 * not in `liveRuns`. While `liveRuns` is unknown (null), they count as alive.
 */
export function hasEnded(
  instance: string,
  self: string,
  known: {
    readonly alive: readonly string[];
    readonly ended: ReadonlySet<string>;
    readonly endedRun: string | null;
    readonly liveRuns: readonly string[] | null;
  },
): boolean {
  if (known.ended.has(instance)) return true;
  if (known.alive.includes(instance)) return false;
  const [, number, run = ''] = instance.split('/');
  const [, ownNumber, ownRun] = self.split('/');
  if (run === ownRun) return Number(number) < Number(ownNumber);
  return run === known.endedRun || (known.liveRuns !== null && !known.liveRuns.includes(run));
}
