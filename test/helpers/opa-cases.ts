import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { OPA_VERSION } from '../../policies/opa.ts';

/** One of OPA's own compliance cases. Its numbers are exact: whole ones are bigint. */
export type OpaCase = {
  readonly note: string;
  readonly query: string;
  readonly modules?: readonly string[];
  readonly data?: unknown;
  readonly input?: unknown;
  readonly input_term?: string;
  readonly want_result?: readonly Readonly<Record<string, unknown>>[];
  readonly want_error_code?: string;
  readonly want_error?: string;
  readonly strict_error?: boolean;
};

/** OPA's compliance cases, from the sources that Go downloads, checks and keeps for building OPA. */
export async function opaCases(): Promise<OpaCase[]> {
  const args = ['mod', 'download', '-json', `github.com/open-policy-agent/opa@v${OPA_VERSION}`];
  const { stdout } = await promisify(execFile)('go', args);
  const folder = join((JSON.parse(stdout) as { Dir: string }).Dir, 'v1/test/cases/testdata/v1');
  const files = (await readdir(folder, { recursive: true })).filter((file) => /\.ya?ml$/.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts.flatMap((text) => (parse(text, { intAsBigInt: true }) as { cases?: OpaCase[] }).cases ?? []);
}
