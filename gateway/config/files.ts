import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { readSecretFile } from '../secrets/secret-file.ts';

/** An OpenAPI document: the one given, or the one in the file of this name. Reports what is none. */
export function readOpenApi(given: string | object, base: string, report: (message: string) => void): unknown {
  const path = typeof given === 'string' ? resolve(base, given) : null;
  try {
    const document: unknown = path === null ? given : parseYaml(readFileSync(path, 'utf8'));
    const version = (document as { openapi?: unknown } | null)?.openapi;
    if (typeof version === 'string' && /^3\.[01]\./.test(version)) return document;
    report(
      `expected an OpenAPI 3.0 or 3.1 document${path === null ? '; its member "openapi" says 3.1.0' : ` in ${path}`}`,
    );
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    report(code === 'ENOENT' ? `no such file: ${path}` : `cannot read ${path}: ${message.split('\n')[0]}`);
  }
  return undefined;
}

function readPemFile(path: string, report: (message: string) => void): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (!text.includes('-----BEGIN ')) report(`expected a PEM file; ${path} is not one`);
    return text;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    report(code === 'ENOENT' ? `no such file: ${path}` : `cannot read ${path}: ${code}`);
    return '';
  }
}

/** Reports a file that has no credential to send. Returns its path. */
export function checkSecretFile(path: string, report: (message: string) => void): string {
  try {
    readSecretFile(path);
  } catch (error) {
    report((error as Error).message);
  }
  return path;
}

type PemFile = 'ca' | 'cert' | 'key';

/** The content of the PEM files that are named. */
export function readPem<Files extends { readonly [File in PemFile]?: string | undefined }>(
  files: Files,
  base: string,
  report: (file: PemFile, message: string) => void,
): { readonly [File in keyof Files]: Exclude<Files[File], undefined> } {
  const names = Object.entries(files).filter((entry): entry is [PemFile, string] => entry[1] !== undefined);
  return Object.fromEntries(
    names.map(([file, name]) => [file, readPemFile(resolve(base, name), (message) => report(file, message))]),
  ) as never;
}
