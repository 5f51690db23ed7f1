import { hash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { viewCall } from '../../../admin/holds/body-view.ts';
import { showInput } from '../../../gateway/domain/policy-input.ts';
import { MOST_SHOWN } from '../../../gateway/domain/showable.ts';
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

test('a held upload to Google is shown as what its first part says, and type, size and SHA-256 of its media', () => {
  const parts = ['content-type: application/json\r\n\r\n{"name":"a/1"}', 'content-type: text/plain\r\n\r\nall of it'];
  const body = Buffer.from(`${parts.map((part) => `--b\r\n${part}\r\n`).join('')}--b--`);
  const media = { type: 'text/plain', size: 9, sha256: hash('sha256', 'all of it') };
  expect(viewCall({ editors: [] }, heldCall('multipart/related; boundary=b', body), null)).toMatchObject({
    complete: true,
    sentAs: 'multipart/related',
    body: { root: { name: 'a/1' }, files: [media] },
  });
});

test('an upload with more text than is shown cannot be approved', async () => {
  const call = await upload('x'.repeat(MOST_SHOWN), new Uint8Array(1));
  expect(viewCall({ editors: [] }, call, null)).toMatchObject({ complete: false, body: null });
});

test('an upload that policy could not read is shown by its type, size and SHA-256', async () => {
  const call = await upload('archive', Uint8Array.of(0xff, 0));
  const input = JSON.parse(call.input) as { action: { body?: unknown } };
  delete input.action.body;
  const old = { ...call, input: JSON.stringify(input) };
  expect(viewCall({ editors: [] }, old, null)).toMatchObject({
    complete: true,
    body: null,
    binary: {
      type: expect.stringMatching(/^multipart\/form-data/),
      bytes: call.body.length,
      sha256: hash('sha256', call.body),
    },
  });
});

test.each([300, 1000, 9000])(
  'a held JSON body of %d KB is shown whole and can be approved (mindroom-ai/mindroom#1571)',
  async (size) => {
    const desk = await openDesk();
    const text = JSON.stringify({ amount: 500, text: 'é'.repeat((size * 1000) / 2) });
    const id = await desk.hold(text);
    const shown = await desk.get(`/api/holds/${id}`);
    expect(shown.json).toMatchObject({ action: { complete: true, body_bytes: Buffer.byteLength(text) } });
    expect((shown.json as { action: { body_text: string } }).action.body_text).toBe(text);
    expect((await desk.post(`/api/holds/${id}/approve`)).status).toBe(200);
    await desk.close();
  },
);

test('a binary body is shown by type, size and SHA-256, and people who may read it can download and approve it', async () => {
  const pdf = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, index) => index % 256));
  const call = heldCall('application/pdf', pdf);
  const desk = await openDesk();
  const id = await desk.hold(undefined, {}, { call });
  const binary = { type: 'application/pdf', bytes: pdf.length, sha256: hash('sha256', pdf) };
  const shown = await desk.get(`/api/holds/${id}`);
  expect(shown.json).toMatchObject({ action: { complete: true, body_text: null, binary } });

  const path = `/api/holds/${id}/body`;
  const download = await fetch(`${desk.url}${path}`, { headers: { authorization: 'Bearer ben-token' } });
  expect(Buffer.from(await download.arrayBuffer())).toEqual(pdf);
  expect(download.headers.get('content-disposition')).toContain('attachment');
  expect((await desk.get(path, 'eve')).status).toBe(403);
  expect((await desk.get(path, null)).status).toBe(401);
  expect((await desk.post(`/api/holds/${id}/approve`)).status).toBe(200);
  await desk.close();
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
  const long = { ...call, input: heldCall('application/json', `"${'x'.repeat(MOST_SHOWN)}"`).input };
  expect(viewCall({ editors: [] }, long, null)).toMatchObject({ complete: false, body: null, sentAs: 'gzip' });
});
