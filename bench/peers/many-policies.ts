import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RULES = fileURLToPath(new URL('../../policies/rules', import.meta.url));

/** A folder with the repository's rules, and those of its payments again for each further system; gives the folder. */
export function writePolicies(folder: string, systems: readonly string[]): string {
  mkdirSync(folder, { recursive: true });
  cpSync(RULES, join(folder, 'rules'), { recursive: true });
  const payments = readFileSync(join(RULES, 'payments.rego'), 'utf8');
  for (const name of systems) {
    const renamed = payments.replace('package rules.payments', `package rules["${name}"]`);
    writeFileSync(join(folder, 'rules', `${name}.rego`), renamed);
  }
  return folder;
}
