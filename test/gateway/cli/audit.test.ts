import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbedded } from '../../../audit/clickhouse/start-embedded.ts';
import { loadOrCreateLedgerKey } from '../../../audit/ledger/ledger-key.ts';
import { exportPage } from '../../../gateway/cli/pages/audit-page.ts';
import { temporaryFolder } from '../../audit/events.ts';
import { runMain } from '../../helpers/gateway.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let config: string;
const inFolder = (name: string) => join(folder.path, name);

beforeAll(async () => {
  folder = await temporaryFolder();
  config = inFolder('holdpoint.yaml');
  writeFileSync(config, 'systems: {}\n');
});
afterAll(() => folder[Symbol.asyncDispose]());

/** What it prints to people who made a mistake: a sentence, and nothing of where in the program that was noticed. */
async function refused(...args: string[]): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await runMain('audit', ...args);
  expect(stderr).not.toMatch(/^\s+at /m);
  return { code, stderr };
}

test('audit says what to do where there is no record, no key and no export', async () => {
  expect(await refused('verify', '--config', config)).toEqual({
    code: 1,
    stderr: expect.stringContaining('The gateway makes it when it starts'),
  });
  expect(await refused('verify', '--export', inFolder('nothing'))).toEqual({
    code: 1,
    stderr: `${inFolder('nothing')} is no export: there is no public-key.pem in it. "audit export" makes one.\n`,
  });
  expect(await refused('export', '--from', '2026-01-01', '--config', config)).toEqual({
    code: 2,
    stderr: expect.stringContaining('--out DIR'),
  });
});

test('audit verifies an empty record, and exports none', async () => {
  mkdirSync(inFolder('data'));
  await loadOrCreateLedgerKey(inFolder('data/keys/ledger.key'));
  expect(await runMain('audit', 'verify', '--config', config)).toEqual({
    code: 0,
    stderr: '',
    stdout: 'There is nothing in ClickHouse yet.\n\nThe record is whole.\n',
  });
  const period = ['--from', '2026-01-01', '--to', '2026-02-01'];
  expect(await refused('export', ...period, '--out', inFolder('export'), '--config', config)).toEqual({
    code: 1,
    stderr: 'This period has no signed events. Choose another with --from and --to.\n',
  });
});

test('the page of an export calls it an export, not what ClickHouse has', () => {
  const chain = { chain: 'c', nodes: ['vm'], verified: 1, checkpoints: 2, unsigned: 0, expired: 0, signedAt: 0 };
  expect(exportPage([{ ...chain, breaks: [] }])).toBe(
    'In the export\n  ✓ c, of vm\n      1 event as written, under 2 checkpoints, signed up to 1970-01-01T00:00:00.000Z\n\n' +
      'The export is whole.\n',
  );
});

test('audit verify says that no gateway has begun a record on this server', async () => {
  const { child, url, username, password } = await startEmbedded({ path: inFolder('server') });
  try {
    const file = inFolder('server.yaml');
    writeFileSync(file, `systems: {}\nclickhouse: { url: "${url}", username: ${username}, password: "${password}" }\n`);
    expect(await refused('verify', '--config', file)).toEqual({
      code: 1,
      stderr: 'There is no record in this ClickHouse yet. The gateway makes it when it starts.\n',
    });
  } finally {
    child.kill();
  }
});
