import { execFileSync } from 'node:child_process';
import { isUtf8 } from 'node:buffer';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { maskSecrets } from '../../../../audit/mask/secrets.ts';
import { newNames, remember, rootMembers, scan, suspects } from '../../../../gateway/json/scanner/scanner.ts';
import { assertJson } from '../../../../gateway/json/validate.ts';
import { mayHoldSecret } from '../../../../gateway/secrets/secret.ts';
import { almostJson, signsOfSecrets } from './almost-json.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');

test('the compiled scanner is what its source compiles to', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scanner-'));
  const out = join(folder, 'scan.wasm');
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const committed = 'gateway/json/scanner/scan.wasm';
  const [command, ...args] = scripts['build:scanner']!.replace(committed, out).split(' ');
  execFileSync(join(ROOT, 'node_modules/.bin', command!), args, { cwd: ROOT });
  const compiled = readFileSync(out);
  rmSync(folder, { recursive: true });
  expect(compiled.equals(readFileSync(join(ROOT, committed)))).toBe(true);
});

/** Whether the careful reader takes it for JSON. */
function isJson(bytes: Buffer): boolean {
  try {
    assertJson(bytes);
    return true;
  } catch {
    return false;
  }
}

test('the scanner accepts nothing that the careful reader refuses, and finds the same members', () => {
  let accepted = 0;
  fc.assert(
    fc.property(almostJson, (bytes) => {
      if (!isUtf8(bytes) || !scan(bytes)) return;
      accepted++;
      expect(isJson(bytes)).toBe(true);
      const members = rootMembers();
      if (members === null) return;
      const textAt = (at: number) => bytes.toString('utf8', members[at], members[at + 1]);
      const found = Array.from({ length: members.length / 4 }, (_, i) => `"${textAt(4 * i)}":${textAt(4 * i + 2)}`);
      expect(JSON.parse(`{${found.join(',')}}`)).toEqual(JSON.parse(bytes.toString()));
    }),
    { numRuns: 20_000 },
  );
  expect(accepted).toBeGreaterThan(1000);
});

test('a document in which the scanner suspects nothing has no sign of a secret', () => {
  let clean = 0;
  fc.assert(
    fc.property(signsOfSecrets, (document) => {
      const bytes = Buffer.from(document);
      if (!scan(bytes)) return;
      const [names, values] = [newNames(), suspects()];
      if (names === null || values === null) return;
      const cleanNames = names.filter(({ start, end }) => !mayHoldSecret(`"${bytes.toString('utf8', start, end)}":`));
      cleanNames.forEach(remember);
      const isClean =
        cleanNames.length === names.length &&
        values.every(({ start, end }) => !mayHoldSecret(`:${bytes.toString('utf8', start, end)},`));
      if (!isClean) return;
      clean++;
      expect(mayHoldSecret(document)).toBe(false);
      expect(maskSecrets(document).places).toEqual([]);
      expect(mayHoldSecret(`{"body":${document},"resource":null}`)).toBe(false);
    }),
    { numRuns: 50_000 },
  );
  expect(clean).toBeGreaterThan(1000);
});

test('a name that was not remembered is reported in each document, once', () => {
  const bytes = Buffer.from('[{"unheard_of":1},{"unheard_of":2}]');
  expect(scan(bytes) && newNames()).toEqual([{ start: 3, end: 13 }]);
  expect(scan(bytes) && newNames()).toEqual([{ start: 3, end: 13 }]);
  remember({ start: 3, end: 13 });
  expect(scan(bytes) && newNames()).toEqual([]);
});

test('an object that is used as a map is accepted, whatever the number of its names', () => {
  const map = (count: number) =>
    Buffer.from(JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, i]))));
  expect(scan(map(9))).toBe(true);
  expect(scan(map(5000))).toBe(true);
  expect(rootMembers()).toBe(null);
});

test('a name that occurs twice among thousands is not accepted, in any case of its letters', () => {
  const names = Array.from({ length: 3000 }, (_, i) => `"key-${i}":${i}`);
  expect(scan(Buffer.from(`{${[...names, '"KEY-1234":0'].join(',')}}`))).toBe(false);
  expect(scan(Buffer.from(`{${[...names, '"key-3":0'].join(',')}}`))).toBe(false);
});

test.each([
  ['a name with an escape', '{"\\u0061":1}'],
  ['a name with a letter beyond ASCII', '{"ſ":1}'],
  ['an exponent', '1e5'],
  ['a number of 300 digits', '9'.repeat(300)],
  ['more levels than are allowed', '['.repeat(129) + ']'.repeat(129)],
])('the scanner leaves %s to the careful reader', (_, text) => {
  expect(scan(Buffer.from(text))).toBe(false);
});
