import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, test } from 'vitest';
import { startDataPlane, TOKEN } from '../helpers/data-plane.ts';
import { startDualEraServer } from './dual-era-server.ts';
import { eventsOf, post, request } from './speak.ts';

test('a client that lost the stream of its call takes it up again where it was, and gets the result', async () => {
  const server = await startDualEraServer();
  const plane = await startDataPlane({
    systems: { fixture: { upstream: server.url, mcp: '/mcp' } },
    rego: { 'fixture.rego': 'package rules.fixture\n\nallow contains {"rule": "tools"} if input.action.tool\n' },
  });
  const url = `${plane.url}/fixture/mcp`;
  const bearer = { authorization: `Bearer ${TOKEN}` };
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: bearer } });
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(transport);

  const params = { name: 'test_tool_with_progress', _meta: { progressToken: 'p' } };
  const headers = { 'mcp-session-id': transport.sessionId!, 'mcp-protocol-version': '2025-11-25' };
  let place = '';
  for await (const event of eventsOf(await post(url, request('lost', 'tools/call', params), { headers }))) {
    place = /^id: (.*)$/m.exec(event)![1]!;
    if (event.includes('"progress":0')) break;
  }
  const again = { ...bearer, accept: 'text/event-stream', ...headers, 'last-event-id': place };
  const rest: string[] = [];
  for await (const event of eventsOf(await fetch(url, { headers: again }))) {
    rest.push(event);
    if (event.includes('"result"')) break;
  }
  expect(rest.map((event) => /"progress":(\d+)|"id":"lost"/.exec(event)?.slice(0, 2))).toEqual([
    ['"progress":50', '50'],
    ['"progress":100', '100'],
    ['"id":"lost"', undefined],
  ]);
  await client.close();
  await plane.close();
  await server.close();
});
