import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readRelated } from '../../../../../gateway/describe/http/bodies/related.ts';
import { heldCall, notAmended } from '../held.ts';
import { problemOf } from '../arrival.ts';

const TYPE = 'multipart/related; boundary="===============1=="';
const JSON_PART = 'Content-Type: application/json; charset=UTF-8';
const MEDIA = 'Content-Type: text/plain';
const NAME = '{"name": "a/1", "size": 9007199254740993}';

/** A body of parts, each its headers and its data. */
const bodyOf = (...parts: readonly (readonly [head: string, data: string | Buffer])[]) =>
  Buffer.concat([
    ...parts.flatMap(([head, data]) => [
      Buffer.from(`--===============1==\r\n${head}\r\n\r\n`),
      Buffer.from(data),
      Buffer.from('\r\n'),
    ]),
    Buffer.from('--===============1==--\r\n'),
  ]);
const UPLOAD = bodyOf([JSON_PART, NAME], [MEDIA, 'all of it']);

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into it freely
const read = (body: string | Buffer, type = TYPE, soapAction?: string): any =>
  JSON.parse(readRelated(Buffer.from(body), type, soapAction));
const fileOf = (type: string | null, data: string | Buffer) => ({
  type,
  size: Buffer.byteLength(data),
  sha256: hash('sha256', data),
});
const file = fileOf('text/plain', 'all of it');

describe('a multipart/related body', () => {
  test('policy sees the JSON of its first part with every digit, and type, size and SHA-256 of the others', () => {
    expect(readRelated(UPLOAD, TYPE, undefined)).toBe(`{"root":${NAME},"files":[${JSON.stringify(file)}]}`);
  });

  test.each([
    [
      'google-cloud-storage',
      `--b\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n{"n":1}\r\n--b\r\ncontent-type: text/plain\r\n\r\nall of it\r\n--b--`,
    ],
    [
      'gaxios',
      `--b\r\nContent-Type: application/json\r\n\r\n{"n":1}\r\n--b\r\nContent-Type: text/plain\r\n\r\nall of it\r\n--b--`,
    ],
    [
      'google-api-java-client',
      `--b\r\nContent-Length: 7\r\nContent-Type: application/json; charset=UTF-8\r\ncontent-transfer-encoding: binary\r\n\r\n{"n":1}\r\n--b\r\nContent-Length: 9\r\nContent-Type: text/plain\r\ncontent-transfer-encoding: binary\r\n\r\nall of it\r\n--b--\r\n`,
    ],
    [
      'google-api-python-client',
      `--b\nContent-Type: application/json\nMIME-Version: 1.0\n\n{"n":1}\n--b\nContent-Type: text/plain\nMIME-Version: 1.0\nContent-Transfer-Encoding: binary\n\nall of it\n--b--\n`,
    ],
  ])('is read as %s writes it', (_client, body) => {
    expect(read(body, 'multipart/related; boundary=b')).toEqual({ root: { n: 1 }, files: [file] });
  });

  test('media may be in any coding, as its bytes are not read', () => {
    const body = bodyOf([JSON_PART, NAME], [`${MEDIA}\r\nContent-Transfer-Encoding: base64`, 'YQ==']);
    expect(read(body).files).toEqual([fileOf('text/plain', 'YQ==')]);
  });

  test.each([
    ['JSON', JSON_PART, '{"a":1,"a":2}'],
    ['a mail, as the Gmail API takes it', 'Content-Type: message/rfc822', 'Subject: Hi\r\n\r\n--x\r\n'],
  ])('media that is %s is a file', (_what, head, data) => {
    expect(read(bodyOf([JSON_PART, NAME], [head, data])).files).toEqual([fileOf(head.split(': ')[1]!, data)]);
  });

  test('policy sees the XML of a SOAP message with attachments (XOP)', () => {
    const head = 'Content-Type: application/xop+xml; type="text/xml"; charset=UTF-8\r\nContent-ID: <root@x>';
    const type = 'multipart/related; type="application/xop+xml"; start="<root@x>"; boundary="===============1=="';
    expect(read(bodyOf([head, '<Pay><Amount>5</Amount></Pay>'], [MEDIA, 'all of it']), type)).toMatchObject({
      root: { root: 'Pay', content: { Amount: '5' } },
      files: [file],
    });
  });

  test('policy sees the SOAP message of a first part without a type of its own, and the action in the head of the call', () => {
    const soap = 'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"';
    const message = `<s:Envelope ${soap}><s:Body><Pay><Amount>5</Amount></Pay></s:Body></s:Envelope>`;
    for (const head of ['Content-ID: <root@x>', MEDIA]) {
      const body = bodyOf([head, message], [MEDIA, 'all of it']);
      expect(read(body, `${TYPE}; type="text/xml"`, '"urn:Pay"')).toMatchObject({
        root: { content: { Body: { Pay: { Amount: '5' } } }, soap: { operation: 'Pay', action: 'urn:Pay' } },
        files: [file],
      });
    }
  });

  test('a first part that is JSON counts as such without its type', () => {
    for (const head of [MEDIA, 'Content-ID: <a>'])
      expect(read(bodyOf([head, NAME])).root).toMatchObject({ name: 'a/1' });
  });

  test('a first part that is neither JSON nor XML is a file', () => {
    expect(read(bodyOf([MEDIA, 'all of it']))).toEqual({ files: [file] });
  });

  const whole = UPLOAD.toString();
  test.each<[string, string | Buffer, string?]>([
    ['no boundary', whole, 'multipart/related'],
    ['two boundaries', whole, `${TYPE}; boundary=other`],
    ['text before the first boundary', `hello\r\n${whole}`],
    ['no final boundary', whole.replace('==--', '==')],
    ['a bare line feed before one boundary', whole.replace('it\r\n--', 'it\n--')],
    ['a carriage return before one boundary', whole.replaceAll('\r\n', '\n').replace('it\n--', 'it\r\n--')],
    ['a carriage return in one header', whole.replaceAll('\r\n', '\n').replace('text/plain\n', 'text/plain\r\n')],
    ['a root elsewhere', whole, `${TYPE}; start="<other>"`],
    ['a name twice in the root', bodyOf([JSON_PART, '{"name":"a","name":"b"}'])],
    ['a name twice in a root of another type', bodyOf([MEDIA, '{"name":"a","name":"b"}'])],
    ['a root that is no JSON', bodyOf([JSON_PART, '{'])],
    ['a root that is not of the declared type', whole.replace(NAME, '<a/>'), `${TYPE}; type="application/json"`],
    ['a root in another charset', bodyOf(['Content-Type: application/json; charset=utf-16', NAME])],
    ['a root in base64', bodyOf([`${JSON_PART}\r\nContent-Transfer-Encoding: base64`, 'e30='])],
    ['a compressed root', bodyOf([`${JSON_PART}\r\nContent-Encoding: gzip`, NAME])],
    ['a multipart in the root', bodyOf(['Content-Type: multipart/mixed; boundary=x', NAME])],
    ['too many parts', bodyOf(...Array.from({ length: 1001 }, () => [MEDIA, 'a'] as const))],
  ])('that parsers read differently is refused: %s', (_what, body, type = TYPE) => {
    expect(problemOf(() => read(body, type))).toMatchObject({ code: 'bad-body' });
  });

  test('cannot be edited by a reviewer', () => {
    expect(notAmended(heldCall(TYPE, UPLOAD), { root: { name: 'b' } }, [''])).toMatchObject({
      detail: expect.stringContaining('cannot be edited'),
    });
  });
});
