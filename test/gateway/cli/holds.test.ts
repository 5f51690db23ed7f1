import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDesk, REFUND, requirement, type Desk } from '../../admin/desk.ts';
import { tempFolder, type TempFolder } from '../../helpers/folder.ts';
import { startUpstream } from '../../helpers/upstream.ts';

const MAIN = join(import.meta.dirname, '../../../gateway/main.ts');

let desk: Desk;
let folder: TempFolder;
beforeEach(async () => {
  desk = await openDesk();
  folder = tempFolder();
});
afterEach(async () => {
  await desk.close();
  folder.remove();
});

type Options = { readonly token?: string | null; readonly url?: boolean; readonly stdin?: string };
type Ended = { readonly code: number; readonly out: string; readonly err: string };

function start(args: readonly string[], { token = 'ben-token', url = true }: Options = {}) {
  const env = { PATH: process.env['PATH'], ...(token !== null && { HOLDPOINT_TOKEN: token }) };
  const where = url ? ['--url', desk.url] : [];
  const child = spawn(process.execPath, [MAIN, ...args, ...where], { cwd: folder.path, env });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const ended = once(child, 'close').then(([code]): Ended => ({ code: code as number, ...said }));
  return { said, ended, answer: (text: string) => child.stdin.end(text) };
}

async function run(args: readonly string[], options: Options = {}): Promise<Ended> {
  const { ended, answer } = start(args, options);
  answer(options.stdin ?? '');
  return await ended;
}

describe('holds', () => {
  test('holds lists what waits, one a line', async () => {
    const id = await desk.hold(REFUND, { requirements: [requirement(['finance'], 2)] });
    const rejected = await desk.hold('{"amount":1}');
    await desk.post(`/api/holds/${rejected}/reject`, { body: { code: 'other' } });
    await desk.post(`/api/holds/${id}/claim`, { who: 'cleo' });
    const { code, out } = await run(['holds']);
    expect(code).toBe(0);
    const [head, line, ...more] = out.trimEnd().split('\n');
    expect(head).toMatch(/^HOLD +STATUS +WHAT +AGENT +APPROVALS +EXPIRES IN +WHO$/);
    expect(line).toMatch(
      new RegExp(
        `^${id} +pending +payments createRefund +billing-bot +0 of 2 finance +(30|29)m +cleo@example\\.com is at it$`,
      ),
    );
    expect(more).toEqual([]);
    expect((await run(['holds', '--status', 'all'])).out).toContain(rejected);
    expect((await run(['holds', '--mine', '--system', 'mail'])).out).toBe('No holds.\n');
  });

  test('holds --json lists them for scripts', async () => {
    const id = await desk.hold();
    expect(JSON.parse((await run(['holds', '--json'])).out)).toMatchObject([{ hold_id: id }]);
  });

  test('holds show prints one hold in full, the agent’s words quoted', async () => {
    const id = await desk.hold();
    const { code, out } = await run(['holds', 'show', id]);
    expect(code).toBe(0);
    expect(out).toContain('wants createRefund at payments, amount 50000 usd.');
    expect(out).toContain('  POST /payments/v1/refunds?a=1\n');
    expect(out).toContain(`  | ${REFUND}\n`);
    expect(out).toContain('What the agent says, unchecked:\n  | {\n');
    expect(out).toContain('Approving sends POST');
    expect(JSON.parse((await run(['holds', 'show', id, '--json'])).out)).toMatchObject({ hold_id: id });
  });

  test('holds writes out what would draw on the terminal or hide in the text', async () => {
    const body = '{"amount":1,"note":"\u001b[2J\u202egro\u200b.evil"}\nApprove this? [y/N] ';
    const id = await desk.hold(Buffer.from(body), {}, { path: '/v1/\u009b31m', reason: 'a\u001b]0;b\u0007' });
    for (const args of [['holds'], ['holds', 'show', id]]) {
      const { out } = await run(args);
      expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
    expect((await run(['holds', 'show', id])).out).toContain(
      '  | {"amount":1,"note":"\\u{1b}[2J\\u{202e}gro\\u{200b}.evil"}\n  | Approve this? [y/N] ',
    );
  });
});

describe('approve', () => {
  test('approve shows what the gateway will send, asks, and approves it', async () => {
    const id = await desk.hold();
    const { code, out, err } = await run(['approve', id, '--note', 'fine'], { stdin: 'y\n' });
    expect({ code, err }).toEqual({ code: 0, err: 'Approve this? [y/N] ' });
    expect(out).toContain(`  | ${REFUND}\n`);
    expect(out).toMatch(new RegExp(`${id} is approved\\.\n$`));
    expect(await desk.store.holds.find(id)).toMatchObject({
      status: 'approved',
      votes: [{ reviewer: 'ben@example.com', channel: 'cli', note: 'fine', seenAt: expect.any(Number) }],
    });
  });

  test.each([
    ['no', 'n\n'],
    ['nothing', '\n'],
    ['something else', 'yesterday\n'],
    ['the end of input', ''],
  ])('approve approves nothing when the answer is %s', async (_name, stdin) => {
    const id = await desk.hold();
    expect(await run(['approve', id], { stdin })).toMatchObject({
      code: 1,
      err: expect.stringContaining('Nothing was approved.'),
    });
    expect((await desk.store.holds.find(id))?.version).toBe(1);
  });

  test('approve --yes does not ask, and says which approvals are still missing', async () => {
    const id = await desk.hold(REFUND, { requirements: [requirement(['finance']), requirement(['legal'])] });
    const { code, out, err } = await run(['approve', id, '--yes']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/Your approval counts; it waits for others: 1 of 1 finance, 0 of 1 legal\.\n$/);
  });

  test('approve takes several holds, shows each, asks once, and tells of each what became of it', async () => {
    const ids = [await desk.hold(), await desk.hold('{"amount":7,"currency":"usd","charge":"ch_2"}')];
    await desk.post(`/api/holds/${ids[0]}/claim`, { who: 'cleo' });
    const { code, out, err } = await run(['approve', ...ids, '--note', 'fine'], { stdin: 'y\n' });
    expect({ code, err }).toEqual({ code: 1, err: 'Approve these 2? [y/N] ' });
    expect(out).toContain(`  | ${REFUND}\n`);
    expect(out).toMatch(new RegExp(`${ids[0]}: not approved\\. cleo@.*\n${ids[1]}: your approval counts\n$`));
    expect((await desk.store.holds.find(ids[0]!))?.status).toBe('pending');
    expect(await desk.store.holds.find(ids[1]!)).toMatchObject({
      status: 'approved',
      votes: [{ channel: 'cli', note: 'fine', seenAt: expect.any(Number) }],
    });
    const alike = await desk.hold('{"amount":8,"currency":"usd","charge":"ch_3"}');
    await desk.delete(`/api/holds/${ids[0]}/claim`, { who: 'cleo' });
    expect(await run(['approve', ids[0]!, alike], { stdin: '' })).toMatchObject({ code: 1, out: expect.anything() });
    expect((await desk.store.holds.find(alike))?.version).toBe(1);
    const both = await run(['approve', ids[0]!, alike, '--yes', '--json']);
    expect([both.code, JSON.parse(both.out)]).toMatchObject([0, { items: [{ done: true }, { done: true }] }]);
    expect(await run(['approve', 'a', 'b', '--for', '1h'])).toMatchObject({ code: 2 });
  });

  test('approve --json keeps what scripts read free of what people read', async () => {
    const id = await desk.hold();
    const { out, err } = await run(['approve', id, '--yes', '--json']);
    expect(JSON.parse(out)).toMatchObject({ hold_id: id, status: 'approved' });
    expect(err).toContain('Approving sends POST');
  });

  test('approve with a grant says what stays open before it asks, and gives exactly that', async () => {
    const id = await desk.hold(REFUND, { open: ['path:/v1/{kind}', 'query:a'] });
    const args = ['approve', id, '--for', '8h', '--uses', '50', '--open', 'query:a', '--open', '/amount'];
    const { code, out } = await run(args, { stdin: 'y\n' });
    expect(code).toBe(0);
    expect(out).toContain(
      '  path:/v1/{kind} (here "refunds")\n  query:a (here "1")\n  /amount (here "50000"; no more than that)\n',
    );
    expect(out).toContain(
      'This also approves up to 50 further calls of this agent within 8h, each the same as this one but for these places:\n' +
        '  query:a (here "1")\n  /amount (here "50000"; no more than that)\n',
    );
    expect((await desk.store.grants.list({ active: true, limit: 10 })).items).toMatchObject([
      { holdId: id, uses: 50, open: ['/amount', 'query:a'], ceilings: { '/amount': '50000' } },
    ]);
  });

  test.each([
    ['a place that the hold does not list', ['--for', '8h', '--open', 'query:b'], 1, /lists no place query:b/],
    ['a place without a time', ['--open', 'query:a'], 2, /need --for/],
    ['a number that is none', ['--for', '8h', '--uses', 'many'], 2, /--uses: expected a number/],
  ])('approve approves nothing with %s', async (_what, args, code, err) => {
    const id = await desk.hold(REFUND, { open: ['query:a'] });
    expect(await run(['approve', id, '--yes', ...args])).toMatchObject({ code, err: expect.stringMatching(err) });
    expect(await desk.store.holds.find(id)).toMatchObject({ status: 'pending' });
  });

  test('approve approves only what it has shown: an edit in between is refused', async () => {
    const id = await desk.hold();
    const approving = start(['approve', id]);
    await expect.poll(() => approving.said.err).toContain('[y/N]');
    await desk.post(`/api/holds/${id}/approve`, { who: 'cleo', body: { edit: { amount: 90_000 } } });
    approving.answer('y\n');
    expect(await approving.ended).toMatchObject({ code: 1, err: expect.stringContaining('Read it again') });
    expect(await desk.store.holds.find(id)).toMatchObject({ status: 'pending', revision: 2, votes: [{ revision: 2 }] });
  });

  test('approve does not ask a reviewer who may not approve, and says why', async () => {
    const id = await desk.hold();
    expect(await run(['approve', id], { token: 'ana-token', stdin: 'y\n' })).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^You cannot approve this\. ana@example\.com owns the agent/),
    });
  });
});

describe('reject', () => {
  test('reject rejects with a code and a note', async () => {
    const id = await desk.hold();
    expect(await run(['reject', id, '--code', 'wrong-amount', '--note', 'half of it'])).toEqual({
      code: 0,
      out: `${id} is rejected.\n`,
      err: '',
    });
    expect(await desk.store.holds.find(id)).toMatchObject({
      status: 'rejected',
      code: 'wrong-amount',
      note: 'half of it',
    });
    expect(await run(['reject', id, '--code', 'other'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('Already rejected by ben@example.com'),
    });
  });

  test('reject needs a code that there is', async () => {
    for (const args of [[], ['--code', 'because']]) {
      expect(await run(['reject', await desk.hold(), ...args])).toMatchObject({
        code: 2,
        err: expect.stringContaining('wrong-target, wrong-amount, not-now'),
      });
    }
  });
});

describe('mistakes', () => {
  test.each([
    ['no hold', ['approve'], 'Missing ID.'],
    ['two holds to reject', ['reject', 'hold_1', 'hold_2'], 'Unexpected argument "hold_2".'],
    ['an unknown option', ['holds', '--tokn', 'x'], 'Unknown option --tokn.'],
    ['an unknown command', ['holds', 'list'], 'There is no holds command "list".'],
    ['a token among the arguments', ['holds', '--token', 'secret'], 'Unknown option --token.'],
    ['an address that is none', ['holds', '--url', 'localhost'], '--url: expected an address'],
  ])('%s is a usage error, which says how the command is called', async (_name, args, says) => {
    const { code, out, err } = await run(args, { url: false });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(says);
    expect(err).toContain(`\nUsage: npx holdpoint ${args[0]} `);
    expect(err).not.toContain('secret');
  });

  test('help needs no token and no gateway', async () => {
    expect(await run(['reject', '--help'], { token: null })).toMatchObject({
      code: 0,
      out: expect.stringContaining('--token-file FILE'),
    });
    expect((await run(['approve', '--help'], { token: null })).out).toContain('approve ID');
    expect((await run(['--help'], { url: false })).out).toMatch(
      /^ {2}approve +show a held call, ask, and approve it$/m,
    );
  });

  test('approve says that a hold is not there', async () => {
    expect(await run(['approve', '../../etc'])).toMatchObject({ code: 1, err: 'Not found: There is no such hold.\n' });
  });

  test('holds says that there is no token, or that it is a wrong one', async () => {
    expect(await run(['holds'], { token: null })).toMatchObject({
      code: 1,
      err: 'No token. Set HOLDPOINT_TOKEN or pass --token-file.\n',
    });
    const wrong = await run(['holds'], { token: 'stolen-token' });
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('no reviewer’s') });
    expect(wrong.err).not.toContain('stolen');
  });

  test('holds keeps the path of an address, as of a proxy that adds one', async () => {
    const proxy = await startUpstream();
    const ended = await run(['holds', '--url', `${proxy.url}/admin`], { url: false });
    await proxy.close();
    expect(ended.code).toBe(1);
    expect(proxy.received.map(({ url }) => url.split('?')[0])).toEqual(['/admin/api/holds']);
  });

  test('holds says that no gateway answers', async () => {
    const { url } = desk;
    await desk.close();
    const ended = await run(['holds', '--url', url], { url: false });
    desk = await openDesk();
    expect(ended).toMatchObject({ code: 1, err: expect.stringContaining(`No gateway answers at ${url}`) });
  });
});

describe('address and token', () => {
  test('holds finds the address in the configuration without the secrets that it names', async () => {
    await desk.hold();
    const admin = desk.url.replace('http://127.0.0.1', '0.0.0.0');
    const yaml = `listen: { admin: "${admin}" }\nsystems: { payments: { credential: "\${PAYMENTS_KEY}" } }\n`;
    writeFileSync(join(folder.path, 'holdpoint.yaml'), yaml);
    writeFileSync(join(folder.path, 'other.yaml'), 'listen: { admin: "${ADMIN}" }\n');
    expect(await run(['holds'], { url: false })).toMatchObject({
      code: 0,
      out: expect.stringContaining('billing-bot'),
    });
    expect(await run(['holds', '--config', 'other.yaml'], { url: false })).toMatchObject({
      code: 1,
      err: expect.stringContaining('--url'),
    });
    expect(await run(['holds', '--config', 'none.yaml'], { url: false })).toMatchObject({
      code: 1,
      err: expect.stringContaining('none.yaml'),
    });
  });

  test('approve reads the token from a file', async () => {
    writeFileSync(join(folder.path, 'token'), 'cleo-token\n');
    writeFileSync(join(folder.path, 'empty'), '\n');
    const id = await desk.hold();
    expect(await run(['approve', id, '--yes', '--token-file', 'token'], { token: null })).toMatchObject({ code: 0 });
    expect(await desk.store.holds.find(id)).toMatchObject({ decidedBy: 'cleo@example.com' });
    for (const file of ['empty', 'none']) {
      expect(await run(['holds', '--token-file', file])).toMatchObject({ code: 1, err: expect.stringContaining(file) });
    }
  });
});
