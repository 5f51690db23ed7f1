import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Received } from '../../helpers/upstream.ts';
import { REASON } from '../presets.ts';
import { startScene, type Answer, type Scene } from './scene.ts';

const NAMES = ['a/1', 'a/2', 'a/3'];

const objects = new Map<string, Buffer>();
let scene: Scene;

/** As S3 answers. A list has pages of one. */
function answer({ method, url, body }: Received, origin: string): Answer {
  const { pathname, searchParams: query } = new URL(url, origin);
  const xml = (text: string): Answer => ({
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${text}`,
  });
  if (method === 'GET' && query.has('list-type')) {
    const at = Number(query.get('continuation-token') ?? 0);
    const isLast = at === NAMES.length - 1;
    const token = isLast ? '' : `<NextContinuationToken>${at + 1}</NextContinuationToken>`;
    return xml(
      `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>shop</Name><KeyCount>1</KeyCount><MaxKeys>1</MaxKeys><IsTruncated>${!isLast}</IsTruncated>${token}<Contents><Key>${NAMES[at]}</Key><Size>1</Size></Contents></ListBucketResult>`,
    );
  }
  if (method === 'POST' && query.has('uploads'))
    return xml(
      `<InitiateMultipartUploadResult><Bucket>shop</Bucket><Key>big</Key><UploadId>up-1</UploadId></InitiateMultipartUploadResult>`,
    );
  if (method === 'PUT' && query.has('partNumber')) {
    objects.set(`${pathname}#${query.get('partNumber')}`, body);
    return { headers: { etag: `"${query.get('partNumber')}"` } };
  }
  if (method === 'POST' && query.has('uploadId')) {
    const numbers = [...String(body).matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map(([, number]) => number);
    objects.set(pathname, Buffer.concat(numbers.map((number) => objects.get(`${pathname}#${number}`)!)));
    return xml(
      `<CompleteMultipartUploadResult><Location>${origin}${pathname}</Location><Bucket>shop</Bucket><Key>big</Key><ETag>"whole"</ETag></CompleteMultipartUploadResult>`,
    );
  }
  if (method === 'PUT') {
    objects.set(pathname, body);
    return { headers: { etag: '"1"' } };
  }
  const found = objects.get(pathname);
  if (!found) return { ...xml('<Error><Code>NoSuchKey</Code><Message>none</Message></Error>'), status: 404 };
  return { headers: { etag: '"1"', 'content-type': 'binary/octet-stream' }, body: method === 'HEAD' ? '' : found };
}

beforeAll(async () => {
  scene = await startScene({
    system: 's3',
    settings: { credential: undefined },
    answer,
    setup: `
      import boto3, io
      from boto3.s3.transfer import TransferConfig
      from botocore import UNSIGNED
      from botocore.config import Config
      def client(**more):
          config = Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "total_max_attempts": 20}, **more)
          keys = {} if more else {"aws_access_key_id": TOKEN, "aws_secret_access_key": "any"}
          return boto3.client("s3", endpoint_url=URL, region_name="eu-west-1", config=config, **keys)
      s3 = client()
    `,
  });
}, 600_000);

afterAll(async () => scene?.close());

test('boto3 writes, reads and looks at an object, with its token as the access key', async () => {
  await scene.run('s3.put_object(Bucket="shop", Key="a/b c", Body=b"small")');
  expect(await scene.run('s3.get_object(Bucket="shop", Key="a/b c")["Body"].read()')).toBe('small');
  expect(await scene.run('s3.head_object(Bucket="shop", Key="a/b c")["ETag"]')).toBe('"1"');
  expect(scene.upstream.received.at(-1)!.headers.authorization).toBeUndefined();
});

test('boto3 without a signature sends its token as X-Api-Key', async () => {
  const program = `
    unsigned = client(signature_version=UNSIGNED)
    unsigned.meta.events.register("before-sign.s3", lambda request, **_: request.headers.add_header("X-Api-Key", TOKEN))
    unsigned.get_object(Bucket="shop", Key="a/b c")["Body"].read()
  `;
  expect(await scene.run(program)).toBe('small');
});

test('boto3 pages through a bucket', async () => {
  const program = `
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="shop", PaginationConfig={"PageSize": 1})
    [entry["Key"] for page in pages for entry in page["Contents"]]
  `;
  expect(await scene.run(program)).toEqual(NAMES);
});

test('boto3 uploads a large object in parts of its own size', async () => {
  await scene.run('s3.upload_fileobj(io.BytesIO(b"x" * 20_000_000), "shop", "big")');
  expect(objects.get('/shop/big')!.equals(Buffer.alloc(20_000_000, 'x'))).toBe(true);
});

test('boto3 uploads an object of any type, as its bytes say nothing to S3', async () => {
  const contents = [
    ['application/json', '{"a":1,"a":2}'],
    ['application/xml', '<!DOCTYPE a><a/>'],
    ['multipart/form-data', 'none'],
  ] as const;
  for (const [type, body] of contents) {
    await scene.run(
      `s3.put_object(Bucket="shop", Key="a//b", Body='${body}', ContentType="${type}", ContentEncoding="gzip")`,
    );
    expect(String(objects.get('/shop/a//b'))).toBe(body);
  }
});

test('boto3 stores an object with all its metadata, and under a key of its own', async () => {
  await scene.run(`
    metadata = {"api-key": "7", "request-id": "8", "note": "9"}
    s3.put_object(Bucket="shop", Key="a", Body=b"x", Metadata=metadata, SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32)
  `);
  expect(scene.upstream.received.at(-1)!.headers).toMatchObject({
    'x-amz-meta-api-key': '7',
    'x-amz-meta-request-id': '8',
    'x-amz-meta-note': '9',
    'x-amz-server-side-encryption-customer-key': Buffer.from('k'.repeat(32)).toString('base64'),
  });
});

test('boto3 says why policy blocks what S3 reads', async () => {
  const policy = `s3.put_object_tagging(Bucket="shop", Key="a", Tagging={"TagSet": [{"Key": "a", "Value": "secret"}]})`;
  await expect(scene.run(policy)).rejects.toMatchObject({ message: expect.stringContaining(REASON) });
});

test('boto3 says why policy blocks a call', async () => {
  await expect(scene.run('s3.get_object(Bucket="shop", Key="secret")')).rejects.toMatchObject({
    name: 'AccessDenied',
    message: `An error occurred (AccessDenied) when calling the GetObject operation: ${REASON}`,
  });
});

test('boto3 retries a held object until it is approved, and it is written once', async () => {
  const written = scene.run('s3.put_object(Bucket="shop", Key="large", Body=b"all of it")["ETag"]');
  await scene.approveNext();
  expect(await written).toBe('"1"');
  expect(scene.reached().filter((call) => call.startsWith('PUT /shop/large'))).toHaveLength(1);
  expect(await scene.held()).toBe(1);
});
