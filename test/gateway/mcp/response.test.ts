import { expect, test } from 'vitest';
import { mayAsk } from '../../../gateway/mcp/response.ts';

test.each([
  '{"method":"ping"}',
  '{"result":{},"METHOD":"ping"}',
  String.raw`{"\u006dethod":"ping"}`,
  String.raw`{"me\u0054hod":"ping"}`,
  ' \n[{"result":{}}]',
])('a client may find a request in %s', (json) => expect(mayAsk(json)).toBe(true));

test.each([
  '{"result":{"method":"ping"}}',
  '{"result":"a method"}',
  String.raw`{"result":"caf\u00e9"}`,
  '{"result":{}}',
  '[]',
  '"method"',
  '{"method"',
])('no client finds a request in %s', (json) => expect(mayAsk(json)).toBe(false));
