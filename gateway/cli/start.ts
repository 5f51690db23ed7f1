import { once } from 'node:events';
import { formatAddress } from '../config/address.ts';
import { loadConfig } from '../config/config.ts';
import { createLog } from '../process/log.ts';
import { startGateway, type Gateway } from '../process/supervisor.ts';
import { defineCommand } from './command.ts';
import { CONFIG } from './options.ts';
import { stopSignal } from './stop-signal.ts';

export const start = defineCommand({
  options: { config: CONFIG },
  async run({ values }) {
    const config = loadConfig(values.config);
    const log = createLog('supervisor', config.log);
    const since = performance.now();
    const stopping = stopSignal();
    let gateway: Gateway | null = null;
    // Also sent by a terminal that closes: the gateway lives on.
    process.on('SIGHUP', () => gateway?.reload());
    try {
      gateway = await startGateway(config, log, { signal: stopping });
    } catch (error) {
      if (stopping.aborted) return 0;
      throw error;
    }
    log.info(
      {
        agents: `http://${formatAddress(gateway.agents)}`,
        systems: Object.fromEntries(
          Object.entries(gateway.systems).map(([name, address]) => [name, formatAddress(address)]),
        ),
        admin: `http://${formatAddress(gateway.admin)}`,
        workers: config.workers,
        data: config.data,
        ms: Math.round(performance.now() - since),
      },
      'ready',
    );
    if (!stopping.aborted) await once(stopping, 'abort');
    log.info({ signal: (stopping.reason as Error).message }, 'stopping: no new calls, running ones finish');
    await gateway.stop();
    log.info('stopped');
    return 0;
  },
});
