import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { connectRaw } from './raw-agent.ts';

const REGO = (system: string) => `package rules.${system}

allow contains {"rule": "all"}

block contains {"rule": "admin"} if input.action.segments == ["admin", "users"]

block contains {"rule": "secret"} if input.action.path == "/secret"
`;

const SYSTEMS = {
  undeclared: {},
  data: { path: { encoded_slash: 'data', case: 'sensitive', empty_segments: 'keep' } },
  separator: { path: { encoded_slash: 'separator', case: 'insensitive', empty_segments: 'merge' } },
} as const;

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({
    systems: {
      ...Object.fromEntries(
        Object.entries(SYSTEMS).map(([name, rules]) => [name, { upstream: upstream.url, ...rules }]),
      ),
      based: { upstream: `${upstream.url}/services/T/B/X`, listen: '127.0.0.1:0' },
      slashed: { upstream: `${upstream.url}/graphql/` },
    },
    rego: Object.fromEntries([...Object.keys(SYSTEMS), 'based', 'slashed'].map((name) => [`${name}.rego`, REGO(name)])),
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

/** Sends a target as it is. Returns the status and the target that arrived, or null if none did. */
async function send(target: string, method = 'GET', at = plane.url.slice('http://'.length)) {
  const before = upstream.received.length;
  const agent = await connectRaw(at);
  const length = method === 'POST' ? 'Content-Type: application/json\r\nContent-Length: 2\r\n' : '';
  const body = method === 'POST' ? '{}' : '';
  agent.send(`${method} ${target} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${TOKEN}\r\n${length}\r\n${body}`);
  const answer = await agent.answer();
  agent.close();
  return { status: answer?.status, arrived: upstream.received[before]?.url ?? null };
}

describe('paths of real clients', () => {
  test.each([
    [
      'a file in a GitLab repository (gitlab-org/gitlab#214349, #20955)',
      '/projects/13083/repository/files/lib%2Fclass%2Erb/raw',
    ],
    ['an npm scoped package, by pacote', '/@babel%2fcore'],
    ['a Cloud Storage object (iron-proxy#155)', '/storage/v1/b/bucket/o/folder%2Ffile.txt'],
    ['an Elasticsearch date math index (elastic/elasticsearch#21181)', '/%3Clogs-%7Bnow%2Fd%7D%3E/_search'],
    ['a tilde of older clients (nginx-s3-gateway#578)', '/%7Eana/%61.txt'],
    ['dashes and dots of OAuth libraries', '/a%2Db%2Ec%5Fd'],
    ['an S3 key with %2F in its own name (aws-sigv4-proxy#246)', '/bucket/a%252Fb'],
    ['a file named 50%25ff (nginx-s3-gateway#29)', '/files/50%25ff.txt'],
    ['Latin-1 (RFC 3986 section 2.5)', '/caf%E9'],
    ['a name with a full-width slash', '/titles/AC%EF%BC%8FDC'],
    ['an S3 key with an empty segment', '/bucket/a//b'],
    ['matrix parameters', '/map;x=1/tile;y=2'],
  ])('%s arrives as it was sent, at a system that declares nothing', async (_, path) => {
    expect(await send(`/undeclared${path}`)).toEqual({ status: 200, arrived: path });
    expect(await send(`/data${path}`)).toEqual({ status: 200, arrived: path });
  });
});

describe('a blocked path in another spelling', () => {
  test.each([
    '/admin/users',
    '/admin%2Fusers',
    '/admin%2fusers/',
    '/admin%5Cusers',
    '/admin%252Fusers',
    '/%61dmin/users',
    '/%2561dmin/users',
    '/admin//users',
    '//admin//users',
    '/admin/users//',
    '/admin;x/users',
    '/admin%3Bx/users',
    '/;x/admin/users',
    '//any.example/admin/users',
    '//secret',
    '/%73ecret',
    '/secret;x',
    '/%2573ecret',
    '/secret%3Bx',
  ])('%s is blocked at a system that declares nothing', async (path) => {
    expect(await send(`/undeclared${path}`)).toEqual({ status: 403, arrived: null });
  });

  test.each([
    ['data', '/admin%2Fusers', 200],
    ['data', '/admin//users', 200],
    ['data', '/%61dmin/users', 403],
    ['data', '/Admin/users', 200],
    ['separator', '/admin%2Fusers', 403],
    ['separator', '/admin//users', 403],
    ['separator', '/ADMIN/Users', 403],
    ['separator', '//Secret', 403],
    ['separator', '/%2Fsecret', 403],
  ])('a system that declares how it reads has one reading: %s%s ends as %i', async (system, path, status) => {
    expect(await send(`/${system}${path}`)).toMatchObject({ status });
  });

  test('a path with more than four readings is refused, with a word on what to send', async () => {
    expect(await send('/undeclared/a%2Fb//c;d/e')).toEqual({ status: 400, arrived: null });
    expect(await send('/data/a%2Fb//c;d/e')).toEqual({ status: 200, arrived: '/a%2Fb//c;d/e' });
  });
});

describe('calls for the path of the upstream itself', () => {
  test.each([
    ['the name of a system alone (http-party/node-http-proxy#893)', '/based', '/services/T/B/X'],
    ['the name of a system and a query (golang/go#50337)', '/based?action=list', '/services/T/B/X?action=list'],
    ['the name of a system and a slash', '/based/', '/services/T/B/X/'],
    ['a path below', '/based/v1', '/services/T/B/X/v1'],
    ['the name of a system that ends in a slash', '/slashed', '/graphql/'],
    ['a path below a system that ends in a slash', '/slashed/v1', '/graphql/v1'],
    ['the name of a system without a path', '/undeclared', '/'],
    ['the name of a system without a path, and a query', '/undeclared?a=b', '/?a=b'],
  ])('%s arrives at the configured path', async (_, target, arrived) => {
    expect(await send(target, 'POST')).toEqual({ status: 200, arrived });
  });

  test.each([
    ['/', '/services/T/B/X'],
    ['/?action=list', '/services/T/B/X?action=list'],
    ['/v1', '/services/T/B/X/v1'],
  ])('%s at the own address of a system arrives at %s', async (target, arrived) => {
    expect(await send(target, 'POST', plane.address('based'))).toEqual({ status: 200, arrived });
  });
});

test.each([
  '/%75ndeclared/x',
  '//undeclared/x',
  '/undeclared%2Fx',
  '/undeclared;x/y',
  '/Undeclared/x',
  '/.%2Fundeclared/x',
])('the name of a system is never decoded: %s reaches no system', async (target) => {
  expect(await send(target)).toEqual({ status: 404, arrived: null });
});
