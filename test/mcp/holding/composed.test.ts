import { CallToolResultSchema, JSONRPCResponseSchema, ProgressNotificationSchema } from '@modelcontextprotocol/core';
import { describe, expect, test } from 'vitest';
import { Problem, type ProblemCode } from '../../../gateway/domain/problem.ts';
import { foreignResponse, refusal, tooLargeForStream } from '../../../gateway/enforce/reply/mcp/refusal.ts';
import { WaitingStream } from '../../../gateway/enforce/reply/mcp/waiting-stream.ts';

const ENDS: readonly ProblemCode[] = [
  'blocked',
  'rejected',
  'expired',
  'cancelled',
  'superseded',
  'taken-over',
  'approval-pending',
  'release-pending',
  'outcome-unknown',
  'already-executed',
  'upstream-unreachable',
];

const parse = (json: string) => JSON.parse(json) as { id: unknown; result: { resultType?: string } };

describe.each(['legacy', 'modern'] as const)('what the gateway composes for a %s client fits the schema', (era) => {
  const message = { id: '"7"', method: 'tools/call', era };

  test.for(ENDS)('a held call that ended as %s', (code) => {
    const problem = new Problem(code, {
      extras: { hold_id: 'hold_1', note: 'max 500', reviewer_code: 'wrong-amount' },
    });
    const { status, body } = refusal(problem, message, 'dec_1', 'hold');
    const response = parse(body);
    expect(status).toBe(200);
    expect(JSONRPCResponseSchema.parse(response).id).toBe('7');
    expect(CallToolResultSchema.parse(response.result)).toMatchObject({ isError: true });
    expect(response.result.resultType).toBe(era === 'modern' ? 'complete' : undefined);
  });

  test('a result that no stream carries', () => {
    const response = parse(tooLargeForStream(message, 'dec_1', 'hold_1'));
    expect(CallToolResultSchema.parse(response.result)).toMatchObject({ isError: true });
    expect(response.result.resultType).toBe(era === 'modern' ? 'complete' : undefined);
  });

  test('the answer of a server that is no message', () => {
    const response = JSONRPCResponseSchema.parse(parse(foreignResponse(message, 'dec_1', 502, '<html>')));
    expect(response).toMatchObject({ error: { code: 502 } });
  });
});

test('progress of a call that waits has the token as it came, and rises', () => {
  const written: string[] = [];
  const stream = new WaitingStream((piece) => written.push(piece.toString()) > 0, '"p1"');
  stream.settle();
  const [, json = ''] = /^event: message\ndata: (.*)\n\n$/.exec(written.join('')) ?? [];
  expect(ProgressNotificationSchema.parse(JSON.parse(json)).params).toMatchObject({ progressToken: 'p1', progress: 1 });
});
