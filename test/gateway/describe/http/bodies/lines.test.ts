import { describe, expect, test } from 'vitest';
import { createDescriber } from '../../../../../gateway/describe/http/http-call.ts';
import { heldCall, notAmended } from '../held.ts';
import { problemOf, testArrival, testSystem } from '../arrival.ts';
import { inputText } from '../../../../../gateway/domain/call-input.ts';

const describeCall = createDescriber(testSystem());
const BULK = '{"index":{"_index":"a"}}\n{"amount":10.50}\r\n\n{"delete":{"_index":"a","_id":"1"}}\n';

const inputOf = (path: string, type: string, body: string | Buffer) =>
  describeCall(testArrival(`POST ${path}`, { 'Content-Type': type }, body)).input;
const bodyOf = (...call: Parameters<typeof inputOf>): unknown => JSON.parse(inputText(inputOf(...call))).action.body;

describe('a body of JSON lines', () => {
  test.each([
    ['@elastic/elasticsearch 8', '/_bulk', 'application/vnd.elasticsearch+x-ndjson; compatible-with=8'],
    ['elasticsearch-py 7', '/_bulk', 'application/x-ndjson'],
    ['@opensearch-project/opensearch', '/logs/_bulk', 'application/x-ndjson'],
    ['an old Elasticsearch client', '/logs/_bulk', 'application/json'],
    ['an old Elasticsearch client that states a charset', '/_bulk', 'application/json; charset=UTF-8'],
    ['a client that hides the name of the path', '/logs/%5Fb%75lk', 'application/json'],
    ['an old Elasticsearch client that searches', '/_msearch', 'application/json'],
    ['a client of a log API', '/v1/logs', 'application/ndjson'],
    ['a client of a batch API', '/v1/batches', 'application/jsonl'],
  ])('is an array of its lines for policy when it comes from %s', (_client, path, type) => {
    expect(bodyOf(path, type, BULK)).toEqual([
      { index: { _index: 'a' } },
      { amount: 10.5 },
      { delete: { _index: 'a', _id: '1' } },
    ]);
  });

  test('keeps the text of every line, so that policy compares exact numbers', () => {
    expect(inputOf('/x', 'application/x-ndjson', '{"n":9007199254740993}\n{"n":10.50}')).toContain(
      '"body":[{"n":9007199254740993},{"n":10.50}]',
    );
  });

  test('is an array also for one line, and an empty array without one', () => {
    expect(bodyOf('/_bulk', 'application/json', '{"delete":{"_id":"1"}}')).toEqual([{ delete: { _id: '1' } }]);
    expect(bodyOf('/x', 'application/x-ndjson', '{"delete":{"_id":"1"}}\n')).toEqual([{ delete: { _id: '1' } }]);
    expect(bodyOf('/x', 'application/x-ndjson', '\n')).toEqual([]);
  });

  test('is JSON when it is an indented value or goes to another path', () => {
    expect(bodyOf('/_bulk', 'application/json', '{\n"a": 1\n}')).toEqual({ a: 1 });
    expect(bodyOf('/x', 'application/json', '{"a":1}\n')).toEqual({ a: 1 });
    expect(problemOf(() => bodyOf('/x', 'application/json', '{}\n{}'))).toMatchObject({ code: 'bad-body' });
  });

  test.each([
    ['a duplicate name', '{}\n{"a":1,"a":2}', 2],
    ['two values on one line', '{}\n\n{} {}', 3],
    ['a value over two lines', '{"a":\n1}', 1],
    ['a bare carriage return between values', '{"a":1}\r{"b":2}', 1],
    ['a byte order mark', '\ufeff{}', 1],
  ])('is refused with the number of the line that has %s', (_what, body, line) => {
    const problem = problemOf(() => bodyOf('/x', 'application/x-ndjson', body));
    expect(problem).toMatchObject({ code: 'bad-body', message: expect.stringContaining(`Line ${line} `) });
  });

  test('is refused in UTF-16, which would be another text', () => {
    expect(problemOf(() => bodyOf('/x', 'application/x-ndjson; charset=utf-16', '{}'))).toMatchObject({
      code: 'bad-body',
    });
  });

  test('cannot be edited by a reviewer', () => {
    expect(notAmended(heldCall('application/x-ndjson', BULK), [], [''])).toMatchObject({
      detail: expect.stringContaining('cannot be edited'),
    });
  });
});
