import { expect, test } from 'vitest';
import { parseConfig } from '../../../gateway/config/config.ts';

const SYSTEMS = 'systems: { p: { upstream: "http://x" } }';

test('the query endpoint has an address of its own, and is only for the embedded engine', () => {
  const config = parseConfig(`listen: { clickhouse: "127.0.0.1:8123" }\n${SYSTEMS}`, 'holdpoint.yaml', {});
  expect(config.listen.clickhouse).toEqual({ host: '127.0.0.1', port: 8123 });
  const server = `listen: { clickhouse: "127.0.0.1:8123" }\nclickhouse: { url: "http://c" }\n${SYSTEMS}`;
  expect(() => parseConfig(server, 'holdpoint.yaml', {})).toThrow(
    'line 1: listen.clickhouse: expected only without `clickhouse`: analysts connect to that server themselves',
  );
  const shared = `listen: { clickhouse: "127.0.0.1:8081" }\n${SYSTEMS}`;
  expect(() => parseConfig(shared, 'holdpoint.yaml', {})).toThrow('listen.admin has the same');
});
