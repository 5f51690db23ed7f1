import { describe, expect, test } from 'vitest';
import { isIdentifier } from '../../../../gateway/describe/http/identifier.ts';
import { createOperationNamer } from '../../../../gateway/describe/http/operation.ts';
import { readPath } from '../../../../gateway/describe/http/path-readings.ts';

function namer(openapi?: unknown, basePath?: string) {
  const name = createOperationNamer(openapi, basePath);
  return (line: string) => {
    const [method = '', path = ''] = line.split(' ');
    const { operation, resource } = name(method, readPath(path)[0]);
    return [operation, resource.type, resource.id];
  };
}

describe('identifiers', () => {
  test.each([
    '42',
    '019a8b1c-5d1f-7c3e-9a4b-1f2e3d4c5b6a',
    '019A8B1C-5D1F-7C3E-9A4B-1F2E3D4C5B6A',
    '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    '01arz3ndektsv4rrffq69g5fav',
    'ch_3NxAbCdEfGhIjKlM',
    'cus_ABC',
    'cs_test_a1b2c3d4',
    'hold_019a8b1c5d1f7c3e',
    'acct_1032D82eZvKYlo2C',
    'PROJ-123',
    'd41d8cd98f00b204e9800998ecf8427e',
    'deadbeef1',
    'MDQ6VXNlcjU4MzIzMQ==',
    '1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms',
    'ana@example.com',
    'src/index.ts',
    'a\\b',
  ])('the segment %s is an identifier', (segment) => {
    expect(isIdentifier(segment)).toBe(true);
  });

  test.each([
    'v1',
    'v2beta',
    'v1beta1',
    'v1.2',
    'refunds',
    'payment_methods',
    'setup_intents',
    'tax_ids',
    'api_v2',
    'oauth2_tokens',
    'payment-method-configurations',
    'listAllTheThingsThatThereAre',
    'facade',
    'decade',
    'rest',
    '2024-01',
    '2015-03-31',
    '@me',
    'me',
    'things:batchGet',
    '',
    'report.json',
  ])('the segment %s is a word', (segment) => {
    expect(isIdentifier(segment)).toBe(false);
  });
});

describe('operation names without a document', () => {
  const name = namer();

  test.each([
    ['POST /v1/refunds', 'POST /v1/refunds', 'refunds', null],
    ['GET /v1/charges/ch_3NxAbCd', 'GET /v1/charges/{id}', 'charges', 'ch_3NxAbCd'],
    ['POST /v1/charges/ch_3NxAbCd/refunds', 'POST /v1/charges/{id}/refunds', 'refunds', null],
    ['GET /rows/1/2', 'GET /rows/{id}/{id}', 'rows', '2'],
    ['GET /', 'GET /', '', null],
    ['GET /42', 'GET /{id}', '', '42'],
    ['POST /v1/refunds/', 'POST /v1/refunds', 'refunds', null],
    ['POST /v1/refunds;x=1', 'POST /v1/refunds', 'refunds', null],
    ['GET /v1/caf%C3%A9', 'GET /v1/café', 'café', null],
    ['GET /projects/group%2Fshop/files/lib%2Fclass%2Erb', 'GET /projects/{id}/files/{id}', 'files', 'lib/class.rb'],
    ['GET /users/42;x', 'GET /users/{id}', 'users', '42;x'],
  ])('the operation of %s is named by its path', (line, operation, type, id) => {
    expect(name(line)).toEqual([operation, type, id]);
  });
});

const DOCUMENT = {
  openapi: '3.1.0',
  servers: [{ url: 'https://api.example.com/v1' }, { url: '/v1/' }],
  paths: {
    '/refunds': { post: { operationId: 'PostRefunds' }, get: {} },
    '/users/{user}': { get: { operationId: 'GetUser' }, delete: { operationId: 'DeleteUser' } },
    '/users/me': { get: { operationId: 'GetMe' } },
    '/users/{user}/keys/{key}': { delete: { operationId: 'DeleteKey' } },
    '/{kind}/me/keys/all': { get: { operationId: 'GetAllKeys' } },
    '/files/{name}.json': { get: { operationId: 'GetJsonFile' } },
    '/files/{name}': { get: { operationId: 'GetFile' } },
    '/operations/{id}:cancel': { post: { operationId: 'CancelOperation' } },
    '/shared': { $ref: '#/components/pathItems/Shared~1Item' },
    'x-note': 'not a path',
  },
  components: { pathItems: { 'Shared/Item': { get: { operationId: 'GetShared' } } } },
};

describe('operation names from an OpenAPI document', () => {
  const name = namer(DOCUMENT);

  test.each([
    ['its operationId', 'POST /v1/refunds', 'PostRefunds', 'refunds', null],
    ['method and template where there is no operationId', 'GET /v1/refunds', 'GET /refunds', 'refunds', null],
    ['the parameter as identifier', 'GET /v1/users/ana', 'GetUser', 'users', 'ana'],
    ['fixed text before parameters', 'GET /v1/users/me', 'GetMe', 'me', null],
    ['a template that lists the method before one that does not', 'DELETE /v1/users/me', 'DeleteUser', 'users', 'me'],
    ['the template for a method that no template lists', 'PUT /v1/users/ana', 'PUT /users/{user}', 'users', 'ana'],
    ['what only a longer template tells apart', 'GET /v1/users/me/keys/all', 'GetAllKeys', 'all', null],
    ['the last of two parameters', 'DELETE /v1/users/ana/keys/7', 'DeleteKey', 'keys', '7'],
    ['parameters within a segment', 'GET /v1/files/a.json', 'GetJsonFile', 'files', 'a'],
    ['whole parameters after those within a segment', 'GET /v1/files/a.txt', 'GetFile', 'files', 'a.txt'],
    ['custom verbs', 'POST /v1/operations/op1:cancel', 'CancelOperation', 'operations', 'op1'],
    ['referred path items', 'GET /v1/shared', 'GetShared', 'shared', null],
    ['a path without the prefix of the servers', 'POST /refunds', 'PostRefunds', 'refunds', null],
    ['a trailing slash', 'POST /v1/refunds/', 'PostRefunds', 'refunds', null],
    ['another case, for servers that do not care', 'POST /v1/Refunds', 'PostRefunds', 'Refunds', null],
    ['a prefix of the servers in another case', 'POST /V1/refunds', 'PostRefunds', 'refunds', null],
    ['an encoded parameter', 'GET /v1/users/a%2Fb%3Bc', 'GetUser', 'users', 'a/b;c'],
    ['path parameters, for servers that cut them off', 'POST /v1/refunds;a=b', 'PostRefunds', 'refunds', null],
    [
      'a path that the document does not know',
      'POST /v1/payouts/po_1A/cancel',
      'POST /v1/payouts/{id}/cancel',
      'cancel',
      null,
    ],
  ])('an OpenAPI document names operations by this: %s', (_, line, operation, type, id) => {
    expect(name(line)).toEqual([operation, type, id]);
  });

  test('the prefix of the document leaves out what the upstream address already has', () => {
    expect(namer(DOCUMENT, '/v1/')('POST /refunds')).toEqual(['PostRefunds', 'refunds', null]);
    const document = { ...DOCUMENT, servers: [{ url: 'https://api.example.com/base/v1' }] };
    expect(namer(document, '/base')('POST /v1/refunds')).toEqual(['PostRefunds', 'refunds', null]);
  });

  test('variables of servers are replaced by their defaults', () => {
    const servers = [
      { url: 'https://{host}/{version}', variables: { version: { default: 'v3' }, host: { default: 'a.example' } } },
    ];
    expect(namer({ ...DOCUMENT, openapi: '3.0.3', servers })('POST /v3/refunds')).toEqual([
      'PostRefunds',
      'refunds',
      null,
    ]);
  });

  test('the prefix is ignored when servers differ', () => {
    const servers = [{ url: '/v1' }, { url: '/v2' }];
    expect(namer({ ...DOCUMENT, servers })('POST /v1/refunds')[0]).toBe('POST /v1/refunds');
  });

  test.each([
    ['Swagger 2', { swagger: '2.0', paths: {} }, /OpenAPI 3\.0 or 3\.1/],
    ['text', 'openapi: 3.0.0', /OpenAPI 3\.0 or 3\.1/],
    ['paths that are no object', { openapi: '3.0.0', paths: [] }, /"paths"/],
    ['unbalanced braces', { openapi: '3.0.0', paths: { '/a/{b': {} } }, /unbalanced braces/],
    ['a reference to nothing', { openapi: '3.1.0', paths: { '/a': { $ref: '#/components/x' } } }, /does not have/],
  ])('this OpenAPI document is refused: %s', (_, document, message) => {
    expect(() => createOperationNamer(document)).toThrow(message);
  });
});
