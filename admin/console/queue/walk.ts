/** The order in which a person goes from one hold to the next: as the queue stood when they opened the first. */
let walk: readonly string[] = [];
/** The hold that was opened last, to which the queue returns. */
let opened: string | null = null;

export function startWalk(order: readonly string[], at: string): void {
  walk = order;
  opened = at;
}

export function visited(id: string): void {
  opened = id;
}

export const lastOpened = (): string | null => opened;

/**
 * The next hold in a direction that still waits. What has come meanwhile follows at the end, so nothing is left out.
 * @param waiting the holds that wait now, in the order of the queue
 */
export function neighbour(id: string, step: 1 | -1, waiting: readonly string[]): string | null {
  return neighbourIn(walk, id, step, waiting);
}

export function neighbourIn(
  walk: readonly string[],
  id: string,
  step: 1 | -1,
  waiting: readonly string[],
): string | null {
  const order = walk.includes(id) ? [...new Set([...walk, ...waiting])] : waiting;
  const still = new Set(waiting);
  const at = order.indexOf(id);
  const rest = step === 1 ? order.slice(at + 1) : order.slice(0, Math.max(0, at)).toReversed();
  return rest.find((each) => still.has(each)) ?? null;
}
