import { afterEach, expect, test } from 'vitest';
import type { AdminDeps } from '../../../admin/deps.ts';
import { openDesk, refund, type Desk } from '../desk.ts';

let desk: Desk;
afterEach(async () => {
  await desk.close();
});

const schema = {
  properties: { amount: { $ref: '#/$defs/cents' }, charge: { type: 'string' } },
  $defs: { cents: { type: 'integer', maximum: 100_000 } },
};
const asked: unknown[][] = [];
const bodySchema: AdminDeps['bodySchema'] = (...of) => {
  asked.push(of);
  return { document: schema, schema };
};

async function formOf(
  of: Parameters<typeof refund>,
  overrides: Partial<AdminDeps> = {},
  who = 'ben',
): Promise<unknown> {
  desk = await openDesk(overrides);
  const id = await desk.hold(...of);
  const { json } = await desk.get(`/api/holds/${id}`, who);
  return (json as { form: unknown }).form;
}

test('the form of a held call has the schema of each editable place from the OpenAPI document of its system', async () => {
  const form = await formOf(['{"amount":5,"note":"x"}', { editable: ['/amount', '/note'] }], { bodySchema });
  expect(form).toEqual({
    source: 'openapi',
    schema: { '/amount': { type: 'integer', maximum: 100_000 }, '/note': { type: 'string' } },
  });
  expect(asked.at(-1)).toEqual(['payments', 'createRefund', 'application/json']);
});

test('the form of a tool call has the schema of the tool', async () => {
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'refund', arguments: { amount: 5 } } };
  const call = { ...refund().call, body: Buffer.from(JSON.stringify(message)) };
  const input = JSON.stringify({ action: { tool: 'refund', arguments: { amount: 5 }, headers: {} } });
  const tools: string[] = [];
  const toolDefinition = async (system: string, tool: string) => {
    tools.push(`${system} ${tool}`);
    return JSON.stringify({ name: tool, inputSchema: schema });
  };
  const form = await formOf(['{}', { editable: ['/amount'] }, { call: { ...call, input } }], { toolDefinition });
  expect(form).toEqual({ source: 'tool', schema: { '/amount': { type: 'integer', maximum: 100_000 } } });
  // The operation of a call of a tool is the tool.
  expect(tools).toEqual(['payments createRefund']);
});

test('without a description, the form keeps the types that the values have now', async () => {
  const body = '{"n":12345678901234567890,"d":1.50,"s":"1","b":true,"l":[1],"o":{"in":1,"deep":{"x":null}},"z":null}';
  const editable = ['/n', '/d', '/s', '/b', '/l', '/o', '/z', '/absent'];
  expect(await formOf([body, { editable }])).toEqual({
    source: 'editable',
    schema: {
      '/n': { type: 'integer' },
      '/d': { type: 'number' },
      '/s': { type: 'string' },
      '/b': { type: 'boolean' },
      '/l': { type: 'array' },
      '/o': {
        type: 'object',
        properties: { in: { type: 'integer' }, deep: { type: 'object', properties: { x: {} } } },
      },
      '/z': {},
      '/absent': {},
    },
  });
});

test('what cannot be edited has no form, and neither has a person who may not read the call', async () => {
  expect(await formOf(['{"amount":5}', { editable: [] }])).toBeNull();
  await desk.close();
  expect(await formOf(['{"amount":5}'], {}, 'eve')).toBeNull();
  const id = await desk.hold('{"amount":6}');
  expect((await desk.post(`/api/holds/${id}/reject`, { body: { code: 'other' } })).json).toMatchObject({ form: null });
  expect((await desk.get(`/api/holds/${await desk.handoff('exception')}`)).json).toMatchObject({ form: null });
});
