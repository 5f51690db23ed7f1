import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Received } from '../../helpers/upstream.ts';
import { KEY, REASON } from '../presets.ts';
import { startScene, type Answer, type Scene } from './scene.ts';

const NAMES = ['a/1', 'a/2', 'a/3'];

const objects = new Map<string, Buffer>();
const sessions: { name: string; data: Buffer }[] = [];
let scene: Scene;

/** As Cloud Storage answers. A list has pages of one; downloads and upload sessions are at absolute URLs. */
function answer({ method, url, headers, body }: Received, origin: string): Answer {
  const { pathname, searchParams: query } = new URL(url, origin);
  const object = (name: string): object => {
    const at = `/storage/v1/b/shop/o/${encodeURIComponent(name)}`;
    const size = String(objects.get(name)?.length ?? 1);
    const mediaLink = `${origin}/download${at}?generation=1&alt=media`;
    return { kind: 'storage#object', bucket: 'shop', name, size, generation: '1', selfLink: origin + at, mediaLink };
  };
  if (method === 'GET' && pathname === '/storage/v1/b/shop/o') {
    const at = Number(query.get('pageToken') ?? 0);
    const next = at < NAMES.length - 1 ? { nextPageToken: String(at + 1) } : {};
    return { body: { kind: 'storage#objects', items: [object(NAMES[at]!)], ...next } };
  }
  if (method === 'POST' && query.get('uploadType') === 'multipart') {
    const [, boundary] = /^multipart\/related; boundary="(.+)"$/.exec(headers['content-type']!)!;
    const [, metadata, media] = String(body).split(`--${boundary}`);
    const { name } = JSON.parse(metadata!.split('\r\n\r\n')[1]!);
    objects.set(name, Buffer.from(media!.split('\r\n\r\n')[1]!.slice(0, -2)));
    return { body: object(name) };
  }
  if (method === 'POST' && query.get('uploadType') === 'resumable') {
    const id = sessions.push({ name: JSON.parse(String(body)).name, data: Buffer.alloc(0) }) - 1;
    return { headers: { location: `${origin}${pathname}?uploadType=resumable&upload_id=${id}` } };
  }
  if (method === 'PUT') {
    const session = sessions[Number(query.get('upload_id'))]!;
    const [, last, total] = /bytes \d+-(\d+)\/(\d+|\*)/.exec(headers['content-range']!)!;
    session.data = Buffer.concat([session.data, body]);
    if (total === '*' || Number(last) + 1 < Number(total))
      return { status: 308, headers: { range: `bytes=0-${last}` } };
    objects.set(session.name, session.data);
    return { body: object(session.name) };
  }
  const [, download, encoded] = /^(\/download)?\/storage\/v1\/b\/shop\/o\/([^/]+)$/.exec(pathname) ?? [];
  const name = decodeURIComponent(encoded ?? '');
  if (!objects.has(name)) return { status: 404, body: { error: { code: 404, message: 'No such object', errors: [] } } };
  return download === undefined ? { body: object(name) } : { body: objects.get(name)! };
}

beforeAll(async () => {
  scene = await startScene({
    system: 'google-cloud-storage',
    answer,
    setup: `
      import io
      from google.cloud import storage
      from google.oauth2.credentials import Credentials
      client = storage.Client(project="p", credentials=Credentials(TOKEN), client_options={"api_endpoint": URL})
      bucket = client.bucket("shop")
    `,
  });
}, 600_000);

afterAll(async () => scene?.close());

test('google-cloud-storage uploads, and downloads from an absolute URL, with the token of the preset', async () => {
  const program = `
    bucket.blob("a/b c").upload_from_string("small")
    blob = bucket.get_blob("a/b c")
    blob.media_link, blob.download_as_bytes()
  `;
  const media = `${scene.plane.url}/google-cloud-storage/download/storage/v1/b/shop/o/a%2Fb%20c?generation=1&alt=media`;
  expect(await scene.run(program)).toEqual([media, 'small']);
  expect(scene.upstream.received.at(-1)!.headers.authorization).toBe(`Bearer ${KEY}`);
});

test('google-cloud-storage pages through a bucket', async () => {
  expect(await scene.run('[blob.name for blob in client.list_blobs("shop", page_size=1)]')).toEqual(NAMES);
});

test('google-cloud-storage uploads a large object in one piece, as it does unless told otherwise, and in parts', async () => {
  const program = `
    bucket.blob("big").upload_from_file(io.BytesIO(b"x" * 20_000_000), size=20_000_000, checksum=None)
    parts = bucket.blob("parts", chunk_size=256 * 1024)
    parts.upload_from_file(io.BytesIO(b'"' * 600_000), content_type="application/json", checksum=None)
  `;
  await scene.run(program);
  expect([objects.get('big')!.length, objects.get('parts')!.length]).toEqual([20_000_000, 600_000]);
});

test('google-cloud-storage stores an object under a key of its own', async () => {
  await scene.run('bucket.blob("own", encryption_key=b"k" * 32).upload_from_string("small")');
  expect(scene.upstream.received.at(-1)!.headers).toMatchObject({
    'x-goog-encryption-algorithm': 'AES256',
    'x-goog-encryption-key': Buffer.from('k'.repeat(32)).toString('base64'),
    'x-goog-encryption-key-sha256': expect.any(String),
  });
});

test('google-cloud-storage says why policy blocks a call, also by the name of an object that is uploaded', async () => {
  const said = { name: 'Forbidden', message: expect.stringContaining(REASON) };
  await expect(scene.run('bucket.get_blob("secret")')).rejects.toMatchObject(said);
  await expect(scene.run('bucket.blob("secret").upload_from_string("small")')).rejects.toMatchObject({
    message: expect.stringContaining(REASON),
  });
  await expect(
    scene.run('bucket.blob("secret", chunk_size=256 * 1024).upload_from_string("x" * 600_000)'),
  ).rejects.toMatchObject({ message: expect.stringContaining(REASON) });
});

test('google-cloud-storage retries a held upload until it is approved, and it is made once', async () => {
  const uploaded = scene.run('bucket.blob("large").upload_from_string("all of it", if_generation_match=0)');
  await scene.approveNext();
  await uploaded;
  expect(String(objects.get('large'))).toBe('all of it');
  expect(await scene.held()).toBe(1);
});
