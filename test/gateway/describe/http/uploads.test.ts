import { expect, test } from 'vitest';
import { parseConfig } from '../../../../gateway/config/config.ts';
import { createUploads } from '../../../../gateway/describe/http/uploads.ts';
import { amendCall } from '../../../../gateway/describe/http/amend.ts';
import { heldCall } from './held.ts';

const S3 = 'PUT /{bucket}/{key...}?partNumber&uploadId&x-id';
const PACKAGES = 'PUT /api/v4/projects/{id}/packages/generic/{file...}';

const systemWith = (settings: object) =>
  parseConfig(
    JSON.stringify({ systems: { it: { upstream: 'https://a.example.com', ...settings } } }),
    '/etc/holdpoint.yaml',
    {},
  ).systems[0]!;

function isUpload(call: string, pattern: string, settings: object = {}): boolean {
  const [method = '', target = ''] = call.split(' ');
  return createUploads(systemWith({ uploads: [pattern], ...settings }))!(method, target);
}

test.each([
  ['PUT /shop/a', S3],
  ['PUT /shop/a/b%20c/', S3],
  ['PUT /shop/a?partNumber=1&uploadId=x', S3],
  ['PUT /shop/a?x-id=PutObject&part%4Eumber=1', S3],
  ['PUT /api/v4/projects/group%2Fshop/packages/generic/app/1.0/a.json?select=package_file', PACKAGES],
])('%s is an upload by %s', (call, pattern) => {
  expect(isUpload(call, pattern, { path: { encoded_slash: 'data' } })).toBe(true);
});

test.each([
  ['POST /shop/a', S3, 'another method'],
  ['PUT /shop', S3, 'too short'],
  ['PUT /shop/', S3, 'without a key'],
  ['PUT /shop//', S3, 'with an empty key'],
  ['PUT /shop/a?acl', S3, 'of a part of the object that instructs the system'],
  ['PUT /shop/a?policy=', S3, 'of a parameter that is not named'],
  ['PUT /shop/a?partNumber=1;acl', S3, 'where some systems read another parameter'],
  ['PUT /shop/a?PARTNUMBER=1', S3, 'of a parameter in another case'],
  ['PUT /API/v4/projects/7/packages/generic/a', PACKAGES, 'in another case'],
  ['PUT /api/v4/projects//packages/generic/a', PACKAGES, 'with an empty name'],
  ['PUT /api/v4/projects/group%2Fshop/packages/generic/a', PACKAGES, 'where systems disagree about a slash'],
])('%s is no upload by %s: %s', (call, pattern) => {
  expect(isUpload(call, pattern)).toBe(false);
});

test('a system without uploads looks for none', () => {
  expect(createUploads(systemWith({}))).toBeNull();
});

test.each([
  'PUT',
  'PUT ',
  'put /a',
  'PUT a',
  'PUT /a/{b',
  'PUT /{a...}/b',
  'PUT /a//b',
  'PUT /a b',
  'PUT /a?',
  'PUT /a?b=1',
  'GET /{a...}',
])('the pattern "%s" is refused', (pattern) => {
  expect(() => systemWith({ uploads: [pattern] })).toThrow(
    'systems.it.uploads.0: expected a method and a path, such as "PUT /{bucket}/{key...}?partNumber&uploadId"',
  );
});

test('a reviewer cannot edit what is uploaded, whatever its type', () => {
  const held = heldCall('application/json', '{"a":1}');
  const input = JSON.parse(held.input);
  delete input.action.body;
  for (const body of ['{"a":1}', '{"a":1,"a":2}']) {
    const upload = { ...held, body: Buffer.from(body), input: JSON.stringify(input) };
    expect(amendCall(upload, { a: 2 }, [''])).toMatchObject({ detail: expect.stringContaining('cannot see into') });
  }
});
