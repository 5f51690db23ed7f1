import { zstdCompressSync } from 'node:zlib';
import { client, v1, v2 } from '@datadog/datadog-api-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKEN } from '../../helpers/data-plane.ts';
import { KEY, REASON, Answer } from '../presets.ts';
import { startPreset, type Preset } from './preset.ts';

let datadog: Preset;
let monitors: v1.MonitorsApi;
let logs: v2.LogsApi;
let metrics: v2.MetricsApi;

const monitor = (id: number) => ({ id, name: `monitor ${id}`, type: 'metric alert', query: 'avg(last_5m):x > 1' });

beforeAll(async () => {
  datadog = await startPreset('datadog', ({ method, url, body }) => {
    const { pathname, searchParams } = new URL(url, 'http://a');
    switch (`${method} ${pathname}`) {
      case 'GET /api/v1/monitor': {
        const page = Number(searchParams.get('page'));
        return [monitor(2 * page + 1), monitor(2 * page + 2)].slice(0, 2 - page);
      }
      case 'GET /api/v1/monitor/1':
        return monitor(1);
      case 'POST /api/v1/monitor':
        return { ...monitor(9), ...JSON.parse(body.toString()) };
      case 'POST /api/v2/series':
        return new Answer(202, {}, { errors: [] });
      case 'POST /api/v2/logs/events/search': {
        const { page } = JSON.parse(body.toString());
        const [id, after] = page.cursor === 'c2' ? ['l2', undefined] : ['l1', 'c2'];
        const next = `https://api.datadoghq.com/api/v2/logs/events?page[cursor]=c2`;
        return { data: [{ id, type: 'log' }], meta: { page: { after } }, ...(after && { links: { next } }) };
      }
      default:
        return new Answer(404, {}, { errors: ['Not found'] });
    }
  });
  const configuration = client.createConfiguration({
    baseServer: new client.BaseServerConfiguration(datadog.url, {}),
    authMethods: { apiKeyAuth: TOKEN, appKeyAuth: 'of-the-agent' },
    enableRetry: true,
    maxRetries: 5,
  });
  monitors = new v1.MonitorsApi(configuration);
  logs = new v2.LogsApi(configuration);
  metrics = new v2.MetricsApi(configuration);
  configuration.httpApi.zstdCompressorCallback = (body: string) => zstdCompressSync(body);
});

afterAll(async () => datadog?.close());

const draft = (name: string): v1.MonitorsApiCreateMonitorRequest => ({
  body: { name, type: 'metric alert', query: 'avg(last_5m):x > 1' },
});

test("Datadog's client lists, reads and writes with both keys of the system", async () => {
  expect(await monitors.listMonitors({ page: 0, pageSize: 2 })).toHaveLength(2);
  expect((await monitors.getMonitor({ monitorId: 1 })).name).toBe('monitor 1');
  expect((await monitors.createMonitor(draft('disk'))).name).toBe('disk');
  const [api, application] = KEY.split(':');
  expect(datadog.headers()).toMatchObject({ 'dd-api-key': api, 'dd-application-key': application });
  datadog.expectNoToken();
  expect(await datadog.operations()).toEqual(['ListMonitors', 'GetMonitor', 'CreateMonitor']);
});

test("Datadog's client pages through monitors and logs behind the gateway", async () => {
  const names: (string | undefined)[] = [];
  for await (const { name } of monitors.listMonitorsWithPagination({ pageSize: 2 })) names.push(name);
  expect(names).toEqual(['monitor 1', 'monitor 2', 'monitor 3']);
  const ids: (string | undefined)[] = [];
  for await (const { id } of logs.listLogsWithPagination({ body: { page: { limit: 1 } } })) ids.push(id);
  expect(ids).toEqual(['l1', 'l2']);
});

test.each(['gzip', 'deflate', 'zstd1'] as const)(
  "policy reads what Datadog's client compresses with %s",
  async (coding) => {
    const submit = (metric: string) =>
      metrics.submitMetrics({
        contentEncoding: coding,
        body: { series: [{ metric, points: [{ timestamp: 1, value: 1 }] }] },
      });
    expect(await submit('disk')).toEqual({ errors: [] });
    expect(datadog.headers()['content-encoding']).toBe(coding);
    await expect(submit('secret')).rejects.toMatchObject({ code: 403, body: { errors: [REASON] } });
  },
);

test("an exception of Datadog's client says why a monitor is blocked", async () => {
  await expect(monitors.createMonitor(draft('secret'))).rejects.toMatchObject({
    code: 403,
    body: { errors: [REASON] },
  });
});

test("Datadog's client retries a held monitor until it is approved, and it is created once", async () => {
  expect(await datadog.approved(() => monitors.createMonitor(draft('large')))).toMatchObject({ name: 'large' });
});
