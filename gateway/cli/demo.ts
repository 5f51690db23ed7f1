import { openSync } from 'node:fs';
import { join } from 'node:path';
import { connectClickHouse } from '../../audit/clickhouse/clickhouse.ts';
import { loadConfig } from '../config/config.ts';
import { runDemo, type StartGateway } from '../demo/tour.ts';
import { createLog, createLogDestination } from '../process/log.ts';
import { startGateway } from '../process/supervisor.ts';
import { defineCommand } from './command.ts';
import { createSignInLink } from './sign-in-link.ts';
import { stopSignal } from './stop-signal.ts';

export const demo = defineCommand({
  options: { once: { help: 'end after the tour' } },
  async run({ values }) {
    await runDemo({
      once: values.once,
      signal: stopSignal(['SIGTERM', 'SIGINT', 'SIGHUP']),
      start: startForDemo,
      policies: join(import.meta.dirname, '../../policies'),
    });
    return 0;
  },
});

/** The real gateway, its log lines in a file instead of between those of the demo. */
const startForDemo: StartGateway = async ({ config: file, log }) => {
  const config = loadConfig(file);
  const output = openSync(log, 'a');
  const supervisorLog = createLog('supervisor', config.log, createLogDestination(output));
  const gateway = await startGateway(config, supervisorLog, { output });
  const client = connectClickHouse(gateway.clickhouse);
  return {
    query: async (query) => (await client.query({ query, format: 'JSONEachRow' })).json<Record<string, unknown>>(),
    signInLink: async (reviewer) => (await createSignInLink(config, reviewer)).href,
    async stop() {
      await client.close();
      await gateway.stop();
    },
  };
};
