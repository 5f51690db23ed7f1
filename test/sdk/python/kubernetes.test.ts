import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { Received } from '../../helpers/upstream.ts';
import { KEY, REASON } from '../presets.ts';
import { startScene, type Answer, type Scene } from './scene.ts';

const PODS = ['a', 'b', 'c'];

const maps = new Map<string, { data: object }>();
let scene: Scene;

const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop' } });

/** As the API server answers. A list has pages of one. */
function answer({ method, url, headers, body }: Received, origin: string): Answer {
  const { pathname, searchParams: query } = new URL(url, origin);
  if (pathname === '/api/v1/namespaces/shop/pods') {
    if (query.get('watch')?.toLowerCase() === 'true') {
      const events = PODS.map((name) => `${JSON.stringify({ type: 'ADDED', object: pod(name) })}\n`);
      return { headers: { 'content-type': 'application/json' }, body: events.join('') };
    }
    const at = Number(query.get('continue') ?? 0);
    const isLast = at === PODS.length - 1;
    const metadata = { resourceVersion: '9', ...(!isLast && { continue: String(at + 1) }) };
    return { body: { apiVersion: 'v1', kind: 'PodList', metadata, items: [pod(PODS[at]!)] } };
  }
  const [, name] = /^\/api\/v1\/namespaces\/shop\/configmaps(?:\/([^/]+))?$/.exec(pathname) ?? [];
  const map = (of: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: of, namespace: 'shop' },
    data: maps.get(of)!.data,
  });
  if (method === 'POST' && pathname.endsWith('/configmaps')) {
    const { metadata, data } = JSON.parse(String(body));
    if (maps.has(metadata.name)) return status(409, 'AlreadyExists');
    maps.set(metadata.name, { data });
    return { status: 201, body: map(metadata.name) };
  }
  if (name === undefined || !maps.has(name)) return status(404, 'NotFound');
  if (method === 'PUT') maps.set(name, JSON.parse(String(body)));
  if (method === 'PATCH') {
    if (!/^application\/(?:merge-patch|strategic-merge-patch|apply-patch)\+/.test(headers['content-type']!))
      return status(415, 'UnsupportedMediaType');
    Object.assign(maps.get(name)!.data, JSON.parse(String(body)).data);
  }
  return { body: map(name) };
}

function status(code: number, reason: string): Answer {
  return { status: code, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason } };
}

beforeAll(async () => {
  scene = await startScene({
    system: 'kubernetes',
    answer,
    setup: `
      import kubernetes
      configuration = kubernetes.client.Configuration(host=URL)
      configuration.api_key = {"BearerToken": "Bearer " + TOKEN, "authorization": "Bearer " + TOKEN}
      core = kubernetes.client.CoreV1Api(kubernetes.client.ApiClient(configuration))
      def create(name, note):
          body = {"metadata": {"name": name}, "data": {"note": note}}
          return core.create_namespaced_config_map("shop", body).data
    `,
  });
}, 600_000);

afterAll(async () => scene?.close());

test('kubernetes writes, patches and reads an object with the token of the preset', async () => {
  expect(await scene.run('create("one", "small")')).toEqual({ note: 'small' });
  const patch = 'core.patch_namespaced_config_map("one", "shop", {"data": {"note": "smaller"}}).data';
  expect(await scene.run(patch)).toEqual({ note: 'smaller' });
  expect(await scene.run('core.read_namespaced_config_map("one", "shop").data')).toEqual({ note: 'smaller' });
  expect(scene.upstream.received.at(-1)!.headers.authorization).toBe(`Bearer ${KEY}`);
});

test('kubernetes pages through a list', async () => {
  const program = `
    names, page = [], None
    while page is None or page.metadata._continue:
        more = {"_continue": page.metadata._continue} if page else {}
        page = core.list_namespaced_pod("shop", limit=1, **more)
        names += [item.metadata.name for item in page.items]
    names
  `;
  expect(await scene.run(program)).toEqual(PODS);
});

test('kubernetes watches a list', async () => {
  const program = `
    watch = kubernetes.watch.Watch()
    [event["object"].metadata.name for event in watch.stream(core.list_namespaced_pod, "shop", timeout_seconds=1)]
  `;
  expect(await scene.run(program)).toEqual(expect.arrayContaining(PODS));
});

test('kubernetes runs a command in a container, over a WebSocket', async () => {
  const server = new WebSocketServer({ server: scene.upstream.server });
  server.on('connection', (socket, { url }) => {
    const command = new URL(url!, 'http://a').searchParams.getAll('command').join(' ');
    // The first byte of a message is its channel: 1 is stdout, 3 the status.
    socket.send(Buffer.from(`\u0001ran ${command}`));
    socket.send(Buffer.from('\u0003{"status":"Success"}'));
    socket.close();
  });
  const run = (command: string) =>
    scene.run(`
      from kubernetes.stream import stream
      stream(core.connect_get_namespaced_pod_exec, "a", "shop", command=["echo", "${command}"], stdout=True)
    `);
  expect(await run('hello')).toBe('ran echo hello');
  await expect(run('secret')).rejects.toMatchObject({ name: 'ApiException', message: expect.stringContaining('403') });
});

test('kubernetes uploads an object of more than a megabyte', async () => {
  const program = 'len(create("big", "x" * 1_200_000)["note"])';
  expect(await scene.run(program)).toBe(1_200_000);
});

test('kubernetes says why policy blocks a call, also of an applied object', async () => {
  const said = { name: 'ForbiddenException', message: expect.stringContaining(REASON) };
  await expect(scene.run('create("two", "a secret")')).rejects.toMatchObject(said);
  const apply = `
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"note": "a secret"}}
    core.patch_namespaced_config_map("one", "shop", body, field_manager="bot", _content_type="application/apply-patch+yaml")
  `;
  await expect(scene.run(apply)).rejects.toMatchObject(said);
});

test('kubernetes says that an object waits for approval, and the same call creates it once it is approved', async () => {
  const held = scene.run('create("three", "a large one")');
  await expect(held).rejects.toMatchObject({ name: 'ServiceException', message: expect.stringContaining('(503)') });
  await scene.approveNext();
  expect(await scene.run('create("three", "a large one")')).toEqual({ note: 'a large one' });
  expect(await scene.held()).toBe(1);
});

test('kubernetes retries a held change until it is approved, and it is made once', async () => {
  const replace = 'core.replace_namespaced_config_map("one", "shop", {"data": {"note": "large"}}).data';
  const replaced = scene.run(replace);
  await scene.approveNext();
  expect(await replaced).toEqual({ note: 'large' });
  expect(scene.reached().filter((call) => call.startsWith('PUT'))).toHaveLength(1);
});
