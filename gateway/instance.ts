/**
 * Names one process, as `worker-0/3/<run>`: holds remember who releases them, and a successor in the same place must
 * not be taken for the one that died. Numbers count up over all processes of one run of the gateway.
 */
export function instanceName(place: string, number: number, run: string): string {
  return `${place}/${number}/${run}`;
}

/**
 * Whether `instance` had ended when `self` was started, given who of the same run was `alive` then. Those that came
 * later count as alive: of their end there will be word.
 */
export function hadEnded(instance: string, self: string, alive: readonly string[]): boolean {
  if (alive.includes(instance)) return false;
  const [, number, run] = instance.split('/');
  const [, ownNumber, ownRun] = self.split('/');
  return run !== ownRun || Number(number) < Number(ownNumber);
}
