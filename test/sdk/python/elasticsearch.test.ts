import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Received } from '../../helpers/upstream.ts';
import { KEY, REASON } from '../presets.ts';
import { startScene, type Answer, type Scene } from './scene.ts';

const JSON_TYPE = 'application/vnd.elasticsearch+json;compatible-with=9';
const IDS = ['1', '2', '3', '4', '5'];

const documents = new Map<string, unknown>();
let scene: Scene;

/** As Elasticsearch 9 answers. A scroll has pages of two. */
function answer({ method, url, headers, body }: Received): Answer {
  const [path = ''] = url.split('?');
  const found = (status: number, value: object): Answer => ({
    status,
    headers: { 'content-type': JSON_TYPE, 'x-elastic-product': 'Elasticsearch' },
    body: Buffer.from(JSON.stringify(value)),
  });
  const hits = (from: number) => ({
    _scroll_id: `scroll-${from + 2}`,
    _shards: { total: 1, successful: 1, skipped: 0, failed: 0 },
    hits: {
      total: { value: IDS.length },
      hits: IDS.slice(from, from + 2).map((id) => ({ _index: 'orders', _id: id, _source: { id } })),
    },
  });
  if (path === '/_search/scroll') {
    if (method === 'DELETE') return found(200, { succeeded: true, num_freed: 1 });
    return found(200, hits(Number(/scroll-(\d+)/.exec(String(body))![1])));
  }
  if (path.endsWith('/_search')) return found(200, hits(0));
  if (path === '/_bulk') {
    if (!headers['content-type']?.startsWith('application/vnd.elasticsearch+x-ndjson')) return found(406, {});
    const lines = String(body)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const items = lines.flatMap(({ index }, i) => {
      if (!index) return [];
      documents.set(index._id, lines[i + 1]);
      return [{ index: { _index: index._index, _id: index._id, status: 201, result: 'created' } }];
    });
    return found(200, { took: 1, errors: false, items });
  }
  const [, index, , id] = path.split('/');
  if (method === 'PUT' && path.includes('/_create/') && documents.has(id!))
    return found(409, {
      error: { root_cause: [], type: 'version_conflict_engine_exception', reason: 'exists' },
      status: 409,
    });
  if (method === 'PUT') {
    documents.set(id!, JSON.parse(String(body)));
    return found(201, { _index: index, _id: id, result: 'created' });
  }
  return documents.has(id!)
    ? found(200, { _index: index, _id: id, found: true, _source: documents.get(id!) })
    : found(404, { _index: index, _id: id, found: false });
}

beforeAll(async () => {
  scene = await startScene({
    system: 'elasticsearch',
    answer,
    setup: `
      import elasticsearch
      from elasticsearch import helpers
      client = elasticsearch.Elasticsearch(URL, api_key=TOKEN, max_retries=20)
    `,
  });
}, 600_000);

afterAll(async () => scene?.close());

test('elasticsearch-py writes, reads and searches with the key of the preset', async () => {
  expect(await scene.run('client.index(index="orders", id="<a/b>", document={"note": "small"})["result"]')).toBe(
    'created',
  );
  expect(await scene.run('client.get(index="orders", id="<a/b>")["_source"]')).toEqual({ note: 'small' });
  expect(scene.upstream.received.at(-1)!.headers.authorization).toBe(`ApiKey ${KEY}`);
  expect(await scene.run('client.search(index="orders")["hits"]["total"]["value"]')).toBe(5);
});

test('elasticsearch-py scrolls through all pages', async () => {
  const program = '[hit["_id"] for hit in helpers.scan(client, index="orders", size=2)]';
  expect(await scene.run(program)).toEqual(IDS);
});

test('elasticsearch-py writes in bulk, and more than a megabyte at once', async () => {
  const program = `
    actions = [{"_index": "orders", "_id": f"b{n}", "note": "x" * 10_000} for n in range(200)]
    helpers.bulk(client, actions)
  `;
  expect(await scene.run(program)).toEqual([200, []]);
  expect(documents.size).toBeGreaterThan(200);
});

test('elasticsearch-py says why policy blocks a call, or one line of a bulk', async () => {
  const said = { name: 'AuthorizationException', message: expect.stringContaining(REASON) };
  await expect(scene.run('client.search(index="secret")')).rejects.toMatchObject(said);
  const bulk = `helpers.bulk(client, [{"_index": "orders", "_id": "s1"}, {"_index": "secret", "_id": "s2"}])`;
  await expect(scene.run(bulk)).rejects.toMatchObject(said);
  expect(documents.has('s1')).toBe(false);
});

test('elasticsearch-py retries a held document until it is approved, and it is written once', async () => {
  const written = scene.run('client.index(index="orders", id="7", document={"note": "large"})["result"]');
  await scene.approveNext();
  expect(await written).toBe('created');
  expect(scene.reached().filter((call) => call === 'PUT /orders/_doc/7')).toHaveLength(1);
  expect(await scene.held()).toBe(1);
});
