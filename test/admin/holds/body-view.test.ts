import { hash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { SHOWN_BYTES, viewCall } from '../../../admin/holds/body-view.ts';
import { showInput } from '../../../gateway/domain/policy-input.ts';
import { heldCall } from '../../gateway/describe/http/held.ts';
import { openDesk, refund } from '../desk.ts';

test('the body view says when the call, or its original before an edit, is no longer stored', () => {
  const { call } = refund();
  expect(viewCall({ editors: [] }, null, null)).toMatchObject({
    complete: false,
    missing: 'The held call is no longer kept.',
    body: null,
  });
  expect(viewCall({ editors: ['ben@example.com'] }, call, null)).toMatchObject({ complete: false, proposed: null });
  expect(viewCall({ editors: ['ben@example.com'] }, call, call)).toMatchObject({ complete: true, missing: null });
});

/** A form with a field and a file, as the platform's FormData sends it. */
async function upload(field: string, file: Uint8Array<ArrayBuffer>) {
  const form = new FormData();
  form.append('purpose', field);
  form.append('file', new File([file], 'contract.pdf', { type: 'application/pdf' }));
  const response = new Response(form);
  return heldCall(response.headers.get('content-type')!, Buffer.from(await response.arrayBuffer()));
}

test('a held upload is shown as its fields and files, and can be approved (mindroom-ai/mindroom#1571)', async () => {
  const pdf = Uint8Array.from({ length: 300_000 }, (_, index) => index % 256);
  const call = await upload('archive', pdf);
  const desk = await openDesk();
  const id = await desk.hold(undefined, {}, { call });
  const shown = await desk.get(`/api/holds/${id}`);
  expect(shown.json).toMatchObject({
    action: {
      complete: true,
      missing: null,
      sent_as: 'multipart/form-data',
      body_bytes: call.body.length,
      body: {
        fields: { purpose: 'archive' },
        files: [
          { field: 'file', name: 'contract.pdf', type: 'application/pdf', size: 300_000, sha256: hash('sha256', pdf) },
        ],
      },
    },
  });
  const answer = await desk.post(`/api/holds/${id}/approve`, { ifMatch: shown.headers.get('etag') });
  expect(answer.status).toBe(200);
  await desk.close();
});

test('an upload with more text than is shown cannot be approved', async () => {
  const call = await upload('x'.repeat(SHOWN_BYTES), new Uint8Array(1));
  expect(viewCall({ editors: [] }, call, null)).toMatchObject({ complete: false, body: null });
});

test('an upload that was held before policy could read it stays incomplete', async () => {
  const call = await upload('archive', Uint8Array.of(0xff, 0));
  const input = JSON.parse(call.input) as { action: { body?: unknown } };
  delete input.action.body;
  const old = { ...call, input: JSON.stringify(input) };
  expect(viewCall({ editors: [] }, old, null)).toMatchObject({ complete: false, body: null });
});

test('a reviewer sees the headers of a call also when policy cannot see its body', () => {
  expect(showInput(heldCall('application/octet-stream', 'x', { 'User-Agent': 'curl' }).input).action).toMatchObject({
    headers: { 'user-agent': 'curl' },
  });
});

test('a reviewer sees a compressed body as policy reads it, and that it is compressed', () => {
  const text = '{"amount": 9007199254740993}';
  const plain = heldCall('application/json', text);
  const call = { ...plain, body: gzipSync(text), headers: [...plain.headers, 'Content-Encoding', 'gzip'] };
  expect(viewCall({ editors: [] }, call, null)).toMatchObject({ text, sentAs: 'gzip', complete: true, missing: null });
  const long = { ...call, input: heldCall('application/json', `"${'x'.repeat(SHOWN_BYTES)}"`).input };
  expect(viewCall({ editors: [] }, long, null)).toMatchObject({ complete: false, body: null, sentAs: 'gzip' });
});
