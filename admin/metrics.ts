import { Gauge, type Registry } from 'prom-client';

/** Number of holds in one state. */
type HoldCount = { readonly status: string; readonly execution: string; readonly count: number };

/** Registers the number of holds, which control counts in the store at each scrape; workers do not know it. */
export function registerHoldMetrics(registry: Registry, counts: () => Promise<readonly HoldCount[]>): void {
  new Gauge({
    name: 'holdpoint_holds',
    help: 'Holds in the store, by status and execution',
    labelNames: ['status', 'execution'],
    registers: [registry],
    async collect() {
      // Without the store this metric has no value, and the others must still be served.
      const states = await counts().catch(() => null);
      this.reset();
      if (!states) return;
      // An alert on pending holds needs a zero, not an absent series.
      this.set({ status: 'pending', execution: 'none' }, 0);
      for (const { status, execution, count } of states) this.set({ status, execution }, count);
    },
  });
}
