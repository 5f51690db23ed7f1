import { hash } from 'node:crypto';
import { Octokit } from 'octokit';
import { describe, expect, test } from 'vitest';
import { createDescriber } from '../../../../gateway/describe/http/http-call.ts';
import { amended, heldCall, JSON_TYPE, notAmended } from './held.ts';
import { problemOf, testArrival, testSystem } from './arrival.ts';
import { inputText } from '../../../../gateway/domain/call-input.ts';

const describeCall = createDescriber(testSystem());

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into it freely
function operationsOf(line: string, body: unknown = '', type = JSON_TYPE): any {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const { input } = describeCall(testArrival(line, text === '' ? {} : { 'Content-Type': type }, text));
  return JSON.parse(inputText(input)).action.graphql?.operations;
}

const MUTATION = 'mutation Pay($id: ID!) { paid: payInvoice(id: $id) { id } }';
const PAY = { type: 'mutation', name: 'Pay', fields: ['payInvoice'], runs: true };
const ABOUT = 'query AboutMutations { search(text: "mutation { payInvoice }") { id } }';
const unknown = (persisted: string | null, name: string | null = null) => ({
  type: 'unknown',
  name,
  fields: [],
  runs: true,
  persisted,
});

describe('the operations of a GraphQL request', () => {
  test.each([
    [{ query: MUTATION }],
    [{ QUERY: MUTATION }],
    [{ extensions: { persistedQuery: { sha256Hash: 'abc' } } }],
    [{ fields: { operations: JSON.stringify({ query: MUTATION }) } }],
    [{ id: 'abc', data: { query: MUTATION } }],
    [{ operationName: 'query', note: 'persistedQuery' }],
  ])('a long body asks for what a short one does: %j', (body) => {
    const filler = 'x'.repeat(2_000);
    expect(operationsOf('POST /v2', { filler, ...body })).toEqual(operationsOf('POST /v2', body));
    expect(operationsOf('POST /graphql', { filler, ...body })).toEqual(operationsOf('POST /graphql', body));
  });

  test.each([
    ['a POST of JSON', 'POST /graphql', { query: MUTATION, variables: { id: 1 } }, JSON_TYPE],
    ['a POST to Shopify', 'POST /admin/api/2026-10/graphql.json', { query: MUTATION }, JSON_TYPE],
    ['a POST of JSON to a path without the word (monday.com)', 'POST /v2', { query: MUTATION }, JSON_TYPE],
    ['a POST of application/graphql', 'POST /graphql', MUTATION, 'application/graphql'],
    ['a POST of a form', 'POST /graphql', `query=${encodeURIComponent(MUTATION)}`, 'application/x-www-form-urlencoded'],
    ['a GET', `GET /graphql?query=${encodeURIComponent(MUTATION)}`, '', ''],
    ['a GET to a path without the word', `GET /v2?%71uery=${encodeURIComponent(MUTATION)}`, '', ''],
    ['a POST whose query is in the URL', `POST /graphql?query=${encodeURIComponent(MUTATION)}`, {}, JSON_TYPE],
    ['a member in capitals, which Go reads too', 'POST /v2', { Query: MUTATION }, JSON_TYPE],
    ['an escaped member name', 'POST /v2', `{"\\u0071uery":${JSON.stringify(MUTATION)}}`, JSON_TYPE],
    ['a document after comments', 'POST /v2', { query: `# query\n,${MUTATION}` }, JSON_TYPE],
    ['a document that starts with a description', 'POST /v2', { query: `"pays" ${MUTATION}` }, JSON_TYPE],
  ])('are read from %s (NVIDIA/OpenShell#1022)', (_what, line, body, type) => {
    expect(operationsOf(line, body, type)).toContainEqual(PAY);
  });

  test('are read from what Octokit sends', async () => {
    const sent: { url: string; body: string }[] = [];
    const octokit = new Octokit({
      request: {
        fetch: (url: string, { body }: { body: string }) => {
          sent.push({ url, body });
          return Promise.resolve(Response.json({ data: {} }));
        },
      },
    });
    await octokit.graphql('mutation($id: ID!) { addStar(input: {starrableId: $id}) { clientMutationId } }', {
      id: 'R',
    });
    expect(operationsOf(`POST ${new URL(sent[0]!.url).pathname}`, sent[0]!.body)).toEqual([
      { type: 'mutation', name: null, fields: ['addStar'], runs: true },
    ]);
  });

  test('a query that only mentions mutations is a query (open-policy-agent/opa#4283, ory/oathkeeper#470)', () => {
    expect(operationsOf('POST /graphql', { query: ABOUT })).toEqual([
      { type: 'query', name: 'AboutMutations', fields: ['search'], runs: true },
    ]);
  });

  test('fields are the real names of the top level, through aliases and fragments, each once', () => {
    const query = `{ safe: deleteAll ... on Query { b ...F } ...F @skip(if: true) }
      fragment F on Query { c ...G } fragment G on Query { d { e } ...F b }`;
    expect(operationsOf('POST /graphql', { query })[0].fields).toEqual(['deleteAll', 'b', 'c', 'd']);
  });

  test('operationName marks which operation runs; without it, or with an unknown one, all may', () => {
    const query = `query A { a } ${MUTATION}`;
    const runs = (operationName?: string) =>
      operationsOf('POST /graphql', { query, operationName }).map((each: { runs: boolean }) => each.runs);
    expect(runs('A')).toEqual([true, false]);
    expect(runs('Pay')).toEqual([false, true]);
    expect(runs()).toEqual([true, true]);
    expect(runs('Other')).toEqual([true, true]);
  });

  test('an operationName in the URL and another in the body mark both operations', () => {
    const body = { query: `query A { a } ${MUTATION} query C { c }`, operationName: 'A' };
    expect(operationsOf('POST /graphql?operationName=Pay', body)).toMatchObject([
      { name: 'A', runs: true },
      { name: 'Pay', runs: true },
      { name: 'C', runs: false },
    ]);
  });

  test('a batch has the operations of all its requests', () => {
    expect(operationsOf('POST /v2', [{ query: ABOUT }, { query: MUTATION }])).toMatchObject([
      { type: 'query' },
      { type: 'mutation' },
    ]);
    const batch = Array.from({ length: 101 }, () => ({ query: '{a}' }));
    expect(problemOf(() => operationsOf('POST /graphql', batch))).toMatchObject({ code: 'bad-body' });
  });

  test('a multipart request has the operations of its field `operations`', () => {
    const form = `--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${JSON.stringify({ query: MUTATION })}\r\n--x--`;
    expect(operationsOf('POST /v2', form, 'multipart/form-data; boundary=x')).toEqual([PAY]);
  });

  test.each<[string, string, unknown, unknown]>([
    [
      'by Apollo',
      '/v2',
      { operationName: 'Pay', extensions: { persistedQuery: { version: 1, sha256Hash: 'abc' } } },
      unknown('abc', 'Pay'),
    ],
    ['by id', '/graphql', { documentId: 'sha256:abc' }, unknown('sha256:abc')],
    ['by Relay', '/graphql', { doc_id: 5 }, unknown('5')],
    ['in a way that the gateway does not know', '/graphql', { op: 1 }, unknown(null)],
    [
      'in a URL',
      `/graphql?extensions=${encodeURIComponent('{"persistedQuery":{"sha256Hash":"abc"}}')}`,
      '',
      unknown('abc'),
    ],
  ])('a persisted query has an operation of unknown type: %s', (_what, target, body, operation) => {
    expect(operationsOf(`POST ${target}`, body)).toEqual([operation]);
  });

  test('a persisted query with its text is known, unless the hash is of another text', () => {
    const extensions = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });
    expect(
      operationsOf('POST /graphql', { query: MUTATION, extensions: extensions(hash('sha256', MUTATION)) }),
    ).toEqual([PAY]);
    expect(operationsOf('POST /graphql', { query: MUTATION, extensions: extensions('abc') })).toEqual([
      PAY,
      unknown('abc'),
    ]);
  });

  test('a body that policy cannot read is an operation of unknown type when it goes to a GraphQL path', () => {
    expect(operationsOf('POST /graphql', JSON.stringify({ query: MUTATION }), 'text/plain')).toEqual([unknown(null)]);
    expect(operationsOf('POST /v2', JSON.stringify({ query: MUTATION }), 'text/plain')).toBeUndefined();
  });

  test.each([
    ['an Elasticsearch query', 'POST /_search', { query: { match_all: {} } }],
    ['a search for a word', 'GET /search?query=mutation', ''],
    ['a search for a sentence', 'POST /search', { query: 'mutation of a gene {BRCA1}' }],
    ['a LogQL query', 'POST /loki/api/v1/query_range', { query: '{app="a"} |= "mutation {"' }],
    ['an SQL query', 'POST /sql', { query: 'select 1' }],
    ['the page of a GraphQL explorer', 'GET /graphql', ''],
  ])('are absent from %s', (_what, line, body) => {
    expect(operationsOf(line, body)).toBeUndefined();
  });

  test.each([
    ['a document that cannot be parsed', 'POST /graphql', 'mutation { pay'],
    ['a mutation that cannot be parsed, to a path without the word', 'POST /v2', 'mutation { pay! }'],
    ['a document that is nested too deeply', 'POST /graphql', '{a'.repeat(9000)],
    ['a document of too many tokens', 'POST /graphql', `{${'a '.repeat(25_000)}}`],
    ['a document of too many comments', 'POST /graphql', `{a}${'#\n'.repeat(2000)}`],
  ])('are refused for %s', (_what, line, query) => {
    expect(problemOf(() => operationsOf(line, { query }))).toMatchObject({ code: 'bad-body' });
  });

  test('a reviewer edits the variables, but not the operations', () => {
    const call = heldCall(JSON_TYPE, JSON.stringify({ query: MUTATION, variables: { id: 1 } }));
    expect(amended(call, { variables: { id: 2 } }, ['']).body.toString()).toContain('{"id":2}');
    expect(notAmended(call, { query: 'mutation { other }' }, [''])).toMatchObject({
      detail: expect.stringContaining('may not change the operations'),
    });
  });
});
