import * as fc from 'fast-check';
import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readMultipart } from '../../../../../gateway/describe/http/bodies/multipart.ts';
import { heldCall, notAmended } from '../held.ts';
import { problemOf } from '../arrival.ts';

const TYPE = 'multipart/form-data; boundary=AaB03x';
const PURPOSE = 'Content-Disposition: form-data; name="purpose"';

/** A body of parts, each its headers and its data. */
const bodyOf = (...parts: readonly (readonly [head: string, data: string | Buffer])[]) =>
  Buffer.concat([
    ...parts.flatMap(([head, data]) => [Buffer.from(`--AaB03x\r\n${head}\r\n\r\n`), Buffer.from(data), CRLF]),
    Buffer.from('--AaB03x--\r\n'),
  ]);
const CRLF = Buffer.from('\r\n');

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into it freely
const read = (body: string | Buffer, type = TYPE): any => JSON.parse(readMultipart(Buffer.from(body), type, 1000)[0]);
const fileOf = (field: string, name: string | null, type: string | null, data: string | Buffer) => ({
  field,
  name,
  type,
  size: Buffer.byteLength(data),
  sha256: hash('sha256', data),
});

/** What the platform's own FormData sends. */
async function sent(form: FormData) {
  const response = new Response(form);
  return read(Buffer.from(await response.arrayBuffer()), response.headers.get('content-type')!);
}

describe('a multipart form', () => {
  test('the OpenAI SDK uploads a file: policy sees the purpose, and name, type, size and SHA-256 of the file (openai files API)', async () => {
    const form = new FormData();
    form.append('purpose', 'fine-tune');
    form.append('file', new File(['{"a":1}\n'], 'träin "1".jsonl', { type: 'application/jsonl' }));
    expect(await sent(form)).toEqual({
      fields: { purpose: 'fine-tune' },
      files: [fileOf('file', 'träin %221%22.jsonl', 'application/jsonl', '{"a":1}\n')],
    });
  });

  test.each([
    ['Python requests', `multipart/form-data; boundary=AaB03x`, PURPOSE],
    [
      '.NET HttpClient',
      'multipart/form-data; boundary="AaB03x"',
      'Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=purpose',
    ],
    [
      'Apache HttpClient',
      'multipart/form-data; charset=UTF-8; boundary=AaB03x',
      `${PURPOSE}\r\nContent-Type: text/plain; charset=ISO-8859-1`.replace('ISO-8859-1', 'UTF-8') +
        '\r\nContent-Transfer-Encoding: 8bit',
    ],
    ['OkHttp', 'multipart/form-data; boundary=AaB03x', `${PURPOSE}\r\nContent-Length: 9`],
    [
      'a client in capitals',
      'Multipart/Form-Data; Boundary=AaB03x',
      PURPOSE.toUpperCase().replace('"PURPOSE"', '"purpose"'),
    ],
  ])('is read as %s writes it', (_client, type, head) => {
    expect(read(bodyOf([head, 'fine-tune']), type)).toEqual({ fields: { purpose: 'fine-tune' }, files: [] });
  });

  test('.NET HttpClient names a file twice alike, as filename and filename*', () => {
    const head = `Content-Disposition: form-data; name=file; filename=a.txt; filename*=utf-8''a.txt`;
    expect(read(bodyOf([head, 'x']))).toEqual({ fields: {}, files: [fileOf('file', 'a.txt', null, 'x')] });
  });

  test('a part of a JSON type is that value, with every digit', () => {
    const json = 'Content-Disposition: form-data; name="event"\r\nContent-Type: application/json';
    const body = bodyOf([PURPOSE, 'a'], [json, '{"amount": 9007199254740993}']);
    expect(readMultipart(body, TYPE, 1000)[0]).toBe(
      '{"fields":{"purpose":"a","event":{"amount": 9007199254740993}},"files":[]}',
    );
  });

  test('a part that is not text is a file, also without a file name', () => {
    const data = Buffer.from([0xff, 0xfe, 0, 1]);
    expect(read(bodyOf(['Content-Disposition: form-data; name="blob"', data]))).toEqual({
      fields: {},
      files: [fileOf('blob', null, null, data)],
    });
  });

  test('a form without parts, and an empty file input of a browser, are read', () => {
    expect(read('--AaB03x--\r\n')).toEqual({ fields: {}, files: [] });
    const empty = 'Content-Disposition: form-data; name="file"; filename=""\r\nContent-Type: application/octet-stream';
    expect(read(bodyOf([empty, '']))).toMatchObject({ files: [{ name: '', size: 0 }] });
  });

  test("every form of the platform's FormData is read as its own parser reads it", async () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 20 })
      .map((value) => value.replaceAll(/[\r\n]/g, '').toWellFormed());
    const name = fc.stringMatching(/^[a-z]{1,8}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(name, text), { selector: ([each]) => each, maxLength: 5 }),
        fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 40 })), { selector: ([each]) => each, maxLength: 3 }),
        async (fields, files) => {
          const form = new FormData();
          for (const [key, value] of fields) form.append(`t${key}`, value);
          for (const [key, data] of files) form.append(`f${key}`, new File([Uint8Array.from(data)], `${key}.bin`));
          const back = await new Response(form).formData();
          const { fields: texts, files: found } = await sent(form);
          expect(texts).toEqual(Object.fromEntries(fields.map(([key]) => [`t${key}`, back.get(`t${key}`)])));
          expect(found).toEqual(
            await Promise.all(
              files.map(async ([key]) => {
                const file = back.get(`f${key}`) as File;
                return fileOf(`f${key}`, file.name, file.type, Buffer.from(await file.arrayBuffer()));
              }),
            ),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  const whole = bodyOf([PURPOSE, 'a']).toString();
  const part = (head: string, data: string | Buffer = 'a') => bodyOf([head, data]);
  test.each<[string, string | Buffer, string?]>([
    ['no boundary', whole, 'multipart/form-data'],
    ['two boundaries', whole, `${TYPE}; boundary=other`],
    ['an extended boundary', whole, `${TYPE}; boundary*=utf-8''other`],
    ['a quoted boundary with an escape', whole, 'multipart/form-data; boundary="AaB\\03x"'],
    ['another boundary', whole, 'multipart/form-data; boundary=other'],
    ['text before the first boundary', `hello\r\n${whole}`],
    ['text after the last boundary', `${whole}hello`],
    ['no final boundary', whole.replace('--AaB03x--', '')],
    ['a final boundary that is cut', whole.replace('AaB03x--', 'AaB03x-')],
    ['padding after a boundary', whole.replace('AaB03x\r', 'AaB03x \r')],
    ['bare line feeds', whole.replaceAll('\r\n', '\n')],
    ['a bare line feed before a boundary', whole.replace('a\r\n--', 'a\n--')],
    ['the boundary within a line', part(PURPOSE, 'x--AaB03x')],
    ['a longer boundary', part(PURPOSE, 'x\r\n--AaB03xy\r\n')],
    ['a part without headers', '--AaB03x\r\n\r\na\r\n--AaB03x--\r\n'],
    ['a part without an empty line', `--AaB03x\r\n${PURPOSE}\r\n--AaB03x--\r\n`],
    ['a folded header', part(PURPOSE.replace('; name', ';\r\n name'))],
    ['a space before the colon', part(PURPOSE.replace(':', ' :'))],
    ['Content-Disposition twice', part(`${PURPOSE}\r\n${PURPOSE.replace('purpose', 'other')}`)],
    ['two names', part(`${PURPOSE}; name="other"`)],
    ['two names that differ in case', part(`${PURPOSE}; NAME="other"`)],
    ['an extended name', part(`${PURPOSE}; name*=utf-8''other`)],
    ['no name', part('Content-Disposition: form-data')],
    ['an empty name', part('Content-Disposition: form-data; name=""')],
    ['an escaped quote in the name', part('Content-Disposition: form-data; name="a\\"; x=\\""')],
    ['a percent-encoded quote in the name', part('Content-Disposition: form-data; name="a%22"')],
    ['another disposition', part('Content-Disposition: attachment; name="purpose"')],
    ['filename* that differs', part(`${PURPOSE}; filename="a.txt"; filename*=utf-8''b.exe`)],
    ['filename* alone', part(`${PURPOSE}; filename*=utf-8''b.exe`)],
    ['an empty file name on data', part(`${PURPOSE}; filename=""`)],
    ['base64', part(`${PURPOSE}\r\nContent-Transfer-Encoding: base64`)],
    ['a compressed part', part(`${PURPOSE}\r\nContent-Encoding: gzip`)],
    ['a wrong length', part(`${PURPOSE}\r\nContent-Length: 5`)],
    ['a multipart within a part', part(`${PURPOSE}\r\nContent-Type: multipart/mixed; boundary=x`)],
    ['UTF-7', part(`${PURPOSE}\r\nContent-Type: text/plain; charset=utf-7`)],
    ['a field that states another charset', part(PURPOSE.replace('purpose', '_charset_'), 'utf-16')],
    ['a field that overrides the method', part(PURPOSE.replace('purpose', '_method'), 'DELETE')],
    ['invalid JSON in a JSON part', part(`${PURPOSE}\r\nContent-Type: application/json`, '{')],
    ['a name for both a field and a file', bodyOf([PURPOSE, 'a'], [`${PURPOSE}; filename="b"`, 'b'])],
    [
      'a name for both a text and a JSON value',
      bodyOf([PURPOSE, 'a'], [`${PURPOSE}\r\nContent-Type: application/json`, '1']),
    ],
    ['headers without end', part(`${PURPOSE}\r\nX: ${'a'.repeat(9000)}`)],
    [
      'too many parts',
      bodyOf(...Array.from({ length: 1001 }, (_, i) => [PURPOSE.replace('purpose', `f${i}`), 'a'] as const)),
    ],
  ])('that parsers read differently is refused: %s', (_what, body, type = TYPE) => {
    expect(problemOf(() => read(body, type))).toMatchObject({ code: 'bad-body' });
  });

  test('cannot be edited by a reviewer', () => {
    expect(notAmended(heldCall(TYPE, bodyOf([PURPOSE, 'a'])), { fields: { purpose: 'b' } }, [''])).toMatchObject({
      detail: expect.stringContaining('cannot be edited'),
    });
  });
});
