import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer as createHttpsServer } from 'node:https';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { parseConfig } from '../../../gateway/config/config.ts';
import type { System } from '../../../gateway/domain/system.ts';
import { createUpstream } from '../../../gateway/wire/upstream.ts';
import { send, systemAt } from '../../helpers/bare-system.ts';
import { startDataPlane, TOKEN } from '../../helpers/data-plane.ts';
import { writeFiles } from '../../helpers/folder.ts';
import { LOCALHOST } from '../holds/notify/localhost-certificate.ts';

const toClose: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of toClose.splice(0).toReversed()) await each.close();
});

/** A proxy for CONNECT, which remembers what it was asked. It connects to this machine, by any name. */
async function startProxy(answer: (authority: string) => string | null = () => null, isSecure = false) {
  const asked: { authority: string; authorization: string | undefined }[] = [];
  const open = new Set<Socket>();
  const server = isSecure ? createHttpsServer(LOCALHOST) : createHttpServer();
  server.on('connect', ({ url = '', headers }, client: Socket) => {
    asked.push({ authority: url, authorization: headers['proxy-authorization'] });
    open.add(client);
    client.on('error', () => {}).once('close', () => open.delete(client));
    const refusal = answer(url);
    if (refusal !== null) {
      client.end(refusal);
      return;
    }
    const system = connect(Number(url.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(system).pipe(client);
    });
    system.on('error', () => client.destroy()).once('close', () => client.destroy());
    client.once('close', () => system.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const close = () => {
    for (const client of open) client.destroy();
    server.close();
  };
  toClose.push({ close });
  const at = isSecure ? 'https://localhost' : 'http://127.0.0.1';
  return { asked, open, url: new URL(`${at}:${(server.address() as AddressInfo).port}`) };
}

/** A system over TLS, which tells each caller the name in its client certificate. */
async function startSecure(options: { requestCert?: boolean } = {}) {
  const server = createHttpsServer({ ...LOCALHOST, ...options, ca: LOCALHOST.cert }, (incoming, response) => {
    const certificate = (incoming.socket as TLSSocket).getPeerCertificate();
    response.end(`${incoming.headers.host} ${String(certificate.subject?.CN ?? 'nobody')}`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  toClose.push({ close });
  return { server, port: (server.address() as AddressInfo).port };
}

function upstreamAt(url: string, options: Partial<System>) {
  const upstream = createUpstream(systemAt(url, options));
  toClose.push(upstream);
  const ask = async () => {
    const sent = send(upstream);
    const { status, problem, sent: wasSent } = await sent.delivery;
    const cause = problem?.cause;
    return {
      status,
      body: sent.body(),
      code: problem?.code ?? null,
      cause: cause instanceof Error ? cause.message : null,
      sent: wasSent,
    };
  };
  return ask;
}

describe('certificates of one system', () => {
  test('a private authority is trusted for the system that names it, and for no other', async () => {
    const { port } = await startSecure();
    const url = `https://localhost:${port}`;
    expect(await upstreamAt(url, { tls: { ca: LOCALHOST.cert } })()).toMatchObject({
      status: 200,
      body: `localhost:${port} nobody`,
    });
    expect(await upstreamAt(url, {})()).toMatchObject({ code: 'upstream-unreachable', sent: false });
  });

  test('a client certificate opens a system that asks for one (agentgateway/agentgateway#1917)', async () => {
    const { port } = await startSecure({ requestCert: true });
    const url = `https://localhost:${port}`;
    const { cert, key } = LOCALHOST;
    expect(await upstreamAt(url, { tls: { ca: cert, cert, key } })()).toMatchObject({
      body: `localhost:${port} localhost`,
    });
    expect(await upstreamAt(url, { tls: { ca: cert } })()).toMatchObject({ status: 0, code: 'upstream-failed' });
  });
});

describe('a proxy of one system', () => {
  test('a system over TLS is called through the proxy, on kept connections', async () => {
    const proxy = await startProxy();
    const { port } = await startSecure({ requestCert: true });
    const { cert, key } = LOCALHOST;
    proxy.url.username = 'bot';
    proxy.url.password = 'p%40ss';
    const ask = upstreamAt(`https://localhost:${port}`, { tls: { ca: cert, cert, key }, proxy: proxy.url });
    for (let i = 0; i < 3; i += 1) expect(await ask()).toMatchObject({ body: `localhost:${port} localhost` });
    const authorization = `Basic ${Buffer.from('bot:p@ss').toString('base64')}`;
    expect(proxy.asked).toEqual([{ authority: `localhost:${port}`, authorization }]);
  });

  test('a system without TLS is called through the proxy too, and long answers wait for their reader', async () => {
    const proxy = await startProxy();
    const content = Buffer.alloc(4 * 2 ** 20, 'x');
    const server = createHttpServer((_request, response) => void response.end(content));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    toClose.push({ close: () => (server.closeAllConnections(), server.close()) });
    const { port } = server.address() as AddressInfo;
    const upstream = createUpstream(systemAt(`http://system.internal:${port}`, { proxy: proxy.url }));
    toClose.push(upstream);
    const sent = send(upstream);
    sent.pause();
    await expect.poll(() => sent.body().length).toBeGreaterThan(0);
    sent.resume();
    expect(await sent.delivery).toMatchObject({ bytes: content.length, problem: null });
    expect((await send(upstream).delivery).bytes).toBe(content.length);
    expect(proxy.asked.map(({ authority }) => authority)).toEqual([`system.internal:${port}`]);
    await upstream.close();
    await expect.poll(() => proxy.open.size).toBe(0);
  });

  test.each([
    ['refuses', 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', 'the proxy answered 407'],
    ['does not speak HTTP', '220 mail.example.com ESMTP\r\n\r\n', 'the proxy did not answer as HTTP/1.1'],
    [
      'sends a response to no request',
      'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
      'the proxy sent bytes without',
    ],
    ['hangs up', '', ''],
  ])('a call is not sent when the proxy %s', async (_what, answer, why) => {
    const proxy = await startProxy(() => answer);
    for (const scheme of ['http', 'https']) {
      const told = await upstreamAt(`${scheme}://localhost:1`, { proxy: proxy.url })();
      expect(told).toMatchObject({ code: 'upstream-unreachable', sent: false });
      expect(told.cause).toContain(why);
    }
    await expect.poll(() => proxy.open.size).toBe(0);
  });

  test('systems with and without TLS are called through a proxy over TLS', async () => {
    const authorities = getCACertificates();
    toClose.push({ close: () => setDefaultCACertificates(authorities) });
    setDefaultCACertificates([...authorities, LOCALHOST.cert]);
    const proxy = await startProxy(() => null, true);
    const { port } = await startSecure();
    const ask = upstreamAt(`https://localhost:${port}`, { tls: { ca: LOCALHOST.cert }, proxy: proxy.url });
    for (let i = 0; i < 3; i += 1) expect(await ask()).toMatchObject({ body: `localhost:${port} nobody` });
    const content = Buffer.alloc(4 * 2 ** 20, 'x');
    const server = createHttpServer((_request, response) => void response.end(content));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    toClose.push({ close: () => (server.closeAllConnections(), server.close()) });
    const plainPort = (server.address() as AddressInfo).port;
    const plain = await upstreamAt(`http://system.internal:${plainPort}`, { proxy: proxy.url })();
    expect(plain).toMatchObject({ status: 200, code: null });
    expect(plain.body.length).toBe(content.length);
    expect(proxy.asked.map(({ authority }) => authority)).toEqual([
      `localhost:${port}`,
      `system.internal:${plainPort}`,
    ]);
  });

  test('a call is not sent when the certificate of the proxy is not trusted', async () => {
    const proxy = await startProxy(() => null, true);
    const ask = upstreamAt('http://system.internal', { tls: { ca: LOCALHOST.cert }, proxy: proxy.url });
    expect(await ask()).toMatchObject({ code: 'upstream-unreachable', sent: false });
    expect(proxy.asked).toEqual([]);
  });

  test('a certificate that does not fit ends the connection through the proxy', async () => {
    const proxy = await startProxy();
    const { port } = await startSecure();
    const ask = upstreamAt(`https://elsewhere.example:${port}`, { tls: { ca: LOCALHOST.cert }, proxy: proxy.url });
    expect(await ask()).toMatchObject({ code: 'upstream-unreachable', sent: false });
    await expect.poll(() => proxy.open.size).toBe(0);
  });
});

test('a WebSocket goes through the proxy, with the client certificate and the credential of its system', async () => {
  const proxy = await startProxy();
  const { server, port } = await startSecure({ requestCert: true });
  const sockets = new WebSocketServer({ server });
  const handshakes: string[] = [];
  sockets.on('connection', (socket, incoming) => {
    const { subject } = (incoming.socket as TLSSocket).getPeerCertificate();
    handshakes.push(`${incoming.url} ${incoming.headers.host} ${String(subject?.CN)}`);
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  const folder = writeFiles({ 'ca.pem': LOCALHOST.cert, 'key.pem': LOCALHOST.key });
  toClose.push({ close: () => folder.remove() });
  const pem = (name: string) => `${folder.path}/${name}.pem`;
  const plane = await startDataPlane({
    systems: {
      chat: {
        upstream: `https://localhost:${port}/base`,
        tls: { ca: pem('ca'), cert: pem('ca'), key: pem('key') },
        proxy: proxy.url.href,
        credential: { query: { token: 'system-token' } },
        agent_credential: { query: 'token' },
      },
    },
    rego: { 'chat.rego': 'package rules.chat\n\nallow contains {"rule": "all"}\n' },
  });
  toClose.push(plane);
  const socket = new WebSocket(`${plane.url.replace('http', 'ws')}/chat/room?token=${TOKEN}&a=1`);
  toClose.push({ close: () => socket.terminate() });
  await once(socket, 'open');
  socket.send('hello');
  const [data] = await once(socket, 'message');
  expect(String(data)).toBe('hello');
  expect(handshakes).toEqual([`/base/room?a=1&token=system-token localhost:${port} localhost`]);
  expect(proxy.asked.length).toBe(1);
  expect(JSON.stringify([plane.logged, await plane.events()])).not.toContain(TOKEN);
});

test('a further host of a system is called with the certificates and through the proxy of its system', async () => {
  const proxy = await startProxy();
  const { port } = await startSecure({ requestCert: true });
  const folder = writeFiles({ 'ca.pem': LOCALHOST.cert, 'key.pem': LOCALHOST.key });
  toClose.push({ close: () => folder.remove() });
  const pem = (name: string) => `${folder.path}/${name}.pem`;
  const plane = await startDataPlane({
    systems: {
      files: {
        upstream: 'http://127.0.0.1:1',
        upstream_hosts: [`https://localhost:${port}`],
        tls: { ca: pem('ca'), cert: pem('ca'), key: pem('key') },
        proxy: proxy.url.href,
      },
    },
    rego: { 'files.rego': 'package rules.files\n\nallow contains {"rule": "all"}\n' },
  });
  toClose.push(plane);
  const headers = { authorization: `Bearer ${TOKEN}` };
  const answer = await fetch(`${plane.url}/files/~localhost:${port}/x`, { headers });
  expect(await answer.text()).toBe(`localhost:${port} localhost`);
  expect(proxy.asked).toEqual([{ authority: `localhost:${port}`, authorization: undefined }]);
});

describe('the configuration of the way to a system', () => {
  const proxyOf = (upstream: string, env: NodeJS.ProcessEnv, more = '') =>
    parseConfig(`systems: { p: { upstream: "${upstream}"${more} } }`, 'holdpoint.yaml', env).systems[0]?.proxy?.href;
  const HTTPS_PROXY = 'http://egress.example.com:3128';

  test.each<readonly [upstream: string, noProxy: string, isProxied: boolean]>([
    ['https://api.example.com', '', true],
    ['https://api.example.com', 'example.org, internal', true],
    ['https://api.example.com', 'localhost,example.com', false],
    ['https://api.example.com', '.example.com', false],
    ['https://api.example.com', '*.example.com', false],
    ['https://api.example.com', 'API.example.com:443', false],
    ['https://api.example.com', 'api.example.com:8443', true],
    ['https://myexample.com', 'example.com', true],
    ['https://api.example.com', '*', false],
    ['https://10.1.2.3', '10.0.0.0/8', false],
    ['https://11.1.2.3', '10.0.0.0/8', true],
    ['https://[fd00::1]', 'fd00::/8', false],
    ['https://[::1]:8443', '[::1]:8443', false],
    ['https://[::1]:8443', '::1', false],
    ['http://api.example.com', '', false],
  ])('the environment’s proxy for %s where NO_PROXY is "%s": %s', (upstream, noProxy, isProxied) => {
    expect(proxyOf(upstream, { HTTPS_PROXY, NO_PROXY: noProxy })).toBe(isProxied ? `${HTTPS_PROXY}/` : undefined);
  });

  test('NO_PROXY counts for each further host of a system by itself', () => {
    const hosts = 'upstream_hosts: ["https://files.internal", "https://cdn.example.com", "http://plain.example.com"]';
    const proxies = (more: string, noProxy: string) => {
      const text = `systems: { p: { upstream: "https://api.internal", ${hosts}${more} } }`;
      const [system] = parseConfig(text, 'holdpoint.yaml', { HTTPS_PROXY, NO_PROXY: noProxy }).systems;
      return [system, ...system!.upstreamHosts!].map((one) => one?.proxy?.href);
    };
    const proxied = `${HTTPS_PROXY}/`;
    expect(proxies('', '.internal')).toEqual([undefined, undefined, proxied, undefined]);
    expect(proxies('', 'cdn.example.com')).toEqual([proxied, proxied, undefined, undefined]);
    expect(proxies(', proxy: "http://own:1"', '*')).toEqual(Array.from({ length: 4 }, () => 'http://own:1/'));
  });

  test('a proxy of the system comes before that of the environment, and a bad one is reported without its text', () => {
    const env = { HTTPS_PROXY, NO_PROXY: '*' };
    expect(proxyOf('http://x', env, ', proxy: "http://u:p@own:1"')).toBe('http://u:p@own:1/');
    expect(proxyOf('https://x', { https_proxy: 'egress:1' })).toBe('http://egress:1/');
    const told = (upstream: string, proxyEnv: NodeJS.ProcessEnv, more = '') => {
      try {
        return proxyOf(upstream, proxyEnv, more);
      } catch (error) {
        return (error as Error).message;
      }
    };
    const messages = [
      told('https://x', { HTTPS_PROXY: 'socks5://u:hunter2@x' }),
      told('http://x', {}, ', proxy: "https://u:hunter2@x/path"'),
    ];
    expect(messages[0]).toContain(
      'systems.p.proxy: the environment variable HTTPS_PROXY: expected an http or https URL',
    );
    expect(messages[1]).toContain('systems.p.proxy: expected an http or https URL without path');
    expect(messages.join()).not.toContain('hunter2');
  });

  test.each([
    ['upstream: "http://x", tls: {}', 'systems.p.tls: expected only with an https upstream'],
    ['upstream: "https://x", tls: { cert: a.pem }', 'systems.p.tls: expected cert and key together'],
    [
      'upstream: "http://x", upstream_hosts: ["http://y/a", "http://Y/b"]',
      'systems.p.upstream_hosts.1: expected each host once; y is there already',
    ],
    ['upstream: "https://x", tls: { ca: nowhere.pem }', 'systems.p.tls.ca: no such file'],
  ])('a system with %s is reported', (system, problem) => {
    expect(() => parseConfig(`systems: { p: { ${system} } }`, 'holdpoint.yaml', {})).toThrow(problem);
  });
});
