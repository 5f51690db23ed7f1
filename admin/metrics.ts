import { Gauge, type Registry } from 'prom-client';

/** How many holds are in one state. */
export type HoldCount = { readonly status: string; readonly execution: string; readonly count: number };

/** Registers what control knows and no worker does: the holds, counted in the store at each scrape. */
export function registerHoldMetrics(registry: Registry, counts: () => Promise<readonly HoldCount[]>): void {
  // Registered for what it collects; nobody sets it.
  new Gauge({
    name: 'holdpoint_holds',
    help: 'Holds in the store, by what people decided and what was executed',
    labelNames: ['status', 'execution'],
    registers: [registry],
    async collect() {
      // While the store is away there is no number to give. All others are wanted then more than ever.
      const states = await counts().catch(() => null);
      this.reset();
      if (!states) return;
      // Alerts on "nothing waits" need a zero, not an absence.
      this.set({ status: 'pending', execution: 'none' }, 0);
      for (const { status, execution, count } of states) this.set({ status, execution }, count);
    },
  });
}
