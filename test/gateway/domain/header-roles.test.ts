import { describe, expect, test } from 'vitest';
import { createHeaderRoles, whyNeverVisible } from '../../../gateway/domain/header-roles.ts';

const system = {
  agentCredential: { header: 'X-Desk-Key' },
  credential: { headers: [{ name: 'desk_auth', value: 'v' }], query: [] },
};
const roleOf = createHeaderRoles({ ...system, headers: ['sudo', 'x-desk-key', 'api-key', 'connection', 'x-trace'] });

describe('the role of a header', () => {
  test.each([
    ['Content-Type', 'judged'],
    ['X-Unknown', 'judged'],
    ['x_unknown', 'judged'],
    ['__proto__', 'judged'],
    ['constructor', 'judged'],
    ['X-Partition-Key', 'judged'],
    ['x-ms-continuation-token', 'judged'],
    ['Mcp-Session-Id', 'judged'],
    ['User-Agent', 'seen'],
    ['PayPal-Request-Id', 'seen'],
    ['Sec-WebSocket-Protocol', 'sealed'],
    ['X-Datadog-Trace-Id', 'passed'],
    ['Sec-WebSocket-Key', 'passed'],
    ['X-Trace-Token', 'dropped'],
    ['X-Amz-Security-Token', 'dropped'],
    ['X-Amz-Meta-Note', 'judged'],
    ['X-Amz-Meta-Request-Id', 'judged'],
    ['X-Goog-Meta-Real-IP', 'judged'],
    ['X-Amz-Meta-Api-Key', 'sealed'],
    ['X_Forwarded_For', 'dropped'],
    ['desk-auth', 'dropped'],
    ['x_desk_key', 'dropped'],
    ['Sudo', 'judged'],
    ['Api_Key', 'sealed'],
    ['X-Trace', 'judged'],
    ['Connection', 'dropped'],
  ])('%s is %s', (name, role) => {
    expect(roleOf(name)).toBe(role);
  });

  test('a header keeps its role after a flood of unknown ones', () => {
    for (let index = 0; index < 3000; index++) roleOf(`x-${index}`);
    expect([roleOf('Sudo'), roleOf('Cookie'), roleOf('Accept')]).toEqual(['judged', 'dropped', 'judged']);
  });
});

test.each([
  ['content-type', null],
  ['user-agent', null],
  ['x-unknown', null],
  ['sudo', null],
  ['SOAPAction', 'policy sees the header SOAPAction as "soapaction"'],
  ['x_unknown', 'policy sees the header x_unknown as "x-unknown"'],
  ['authorization', 'policy never sees the header authorization'],
  ['cookie', 'policy never sees the header cookie'],
  ['api-key', 'policy never sees the header api-key'],
  ['x-desk-key', 'policy never sees the header x-desk-key'],
  ['desk-auth', 'policy never sees the header desk-auth'],
  [
    'X-Forwarded-User',
    'policy does not see the header x-forwarded-user, and the system does not get it, unless its `headers` name it',
  ],
  ['traceparent', 'policy does not see the header traceparent unless the `headers` of the system name it'],
])('an author is told whether policy can see the header %s', (name, reason) => {
  expect(whyNeverVisible(name, roleOf)).toBe(reason);
});
