import { spawn } from 'node:child_process';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { tempFolder } from '../helpers/folder.ts';
import { startDualEraServer } from './dual-era-server.ts';

const SUITE = join(import.meta.dirname, '../../node_modules/@modelcontextprotocol/conformance/dist/index.js');

let server: Awaited<ReturnType<typeof startDualEraServer>>;
let plane: DataPlane;
let shim: Shim;

beforeAll(async () => {
  server = await startDualEraServer();
  plane = await startDataPlane({
    systems: { fixture: { upstream: server.url, mcp: '/mcp' } },
    rego: { 'all.rego': 'package rules.all\n\nallow contains {"rule": "all"} if true\n' },
  });
  shim = await startShim(`${plane.url}/fixture`);
});
afterAll(async () => {
  await shim.close();
  await plane.close();
  await server.close();
});

test.each(['2025-11-25', '2026-07-28'])(
  'the conformance suite for %s finds the same through the gateway as without it',
  async (revision) => {
    const direct = await check(`${server.url}/mcp`, revision);
    const through = await check(`${shim.url}/mcp`, revision);
    // Headers that repeat arguments are compared by the gateway, and not by the fixture.
    const [ofHeaders, directOfHeaders] = [through, direct].map((all) => all.filter(isOfHeaders));
    expect(through.filter((each) => !isOfHeaders(each))).toEqual(direct.filter((each) => !isOfHeaders(each)));
    expect(ofHeaders!.filter(isFailure).length).toBeLessThanOrEqual(directOfHeaders!.filter(isFailure).length);
    const failed = direct.filter(isFailure);
    // Neither is scored: the fixture has no tasks, and does not compare headers of its own with arguments.
    expect(failed.filter((each) => !/^(?:tasks|http-custom-header)-/.test(each))).toEqual([]);
    expect(direct.filter((each) => each.endsWith('SUCCESS')).length).toBeGreaterThan(50);
  },
  120_000,
);

const isFailure = (check: string) => check.endsWith('FAILURE');
const isOfHeaders = (check: string) => check.startsWith('http-custom-header-');

/** Runs the suite against an endpoint. Returns what it found, as `scenario check: STATUS`. */
async function check(url: string, revision: string): Promise<string[]> {
  const folder = tempFolder();
  try {
    await new Promise((resolve, reject) => {
      const suite = spawn(
        process.execPath,
        [SUITE, 'server', '--url', url, '--requirements', revision, '-o', folder.path],
        {
          stdio: 'ignore',
        },
      );
      // It exits with 1 when a check failed, and what failed is compared.
      suite.once('exit', resolve).once('error', reject);
    });
    return readdirSync(folder.path, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('checks.json'))
      .flatMap((name) => {
        const scenario = /^server-(.*)-\d{4}-\d\d-\d\dT/.exec(name)?.[1] ?? name;
        const checks = JSON.parse(readFileSync(join(folder.path, name), 'utf8')) as { id: string; status: string }[];
        return checks.map(({ id, status }) => `${scenario} ${id}: ${status}`);
      })
      .toSorted();
  } finally {
    folder.remove();
  }
}

type Shim = { readonly url: string; close(): Promise<void> };

/** The suite cannot send a token. This adds it, and leaves everything else as it was sent, Host and Origin too. */
async function startShim(to: string): Promise<Shim> {
  const { hostname, port, pathname } = new URL(to);
  const http = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${TOKEN}` };
    const sent = forward(
      { hostname, port, path: pathname + incoming.url, method: incoming.method, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers);
        outgoing.flushHeaders();
        answer.pipe(outgoing);
        answer.on('error', () => outgoing.destroy());
      },
    );
    sent.on('error', () => outgoing.destroy());
    outgoing.on('close', () => sent.destroy());
    incoming.pipe(sent);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
