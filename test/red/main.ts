import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A step of `npm test`: each of its other steps is given something that must fail, in a child process and through the
 * configuration that it always has. A step that ends with 0 all the same would let every later failure through unseen.
 */

const root = join(import.meta.dirname, '..', '..');
const cache = join(root, 'node_modules', '.cache');
mkdirSync(cache, { recursive: true });
// Below node_modules, where neither the compiler nor the linter finds what a killed run leaves.
const folder = mkdtempSync(join(cache, 'red-'));

type RedRun = {
  readonly name: string;
  readonly command: readonly string[];
  /** In its output: that it failed because of what was planted, and of nothing else. */
  readonly says: RegExp;
};

const bin = (name: string) => join(root, 'node_modules', '.bin', name);
function plant(name: string, text: string): string {
  const file = join(folder, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const misformatted = plant('format/file.ts', 'export  const  a  =  1\n');
const unlinted = plant('lint/file.ts', "export default 'x';\n");
plant('types/file.ts', "export const count: number = 'none';\n");
const types = plant(
  'types/tsconfig.json',
  JSON.stringify({ extends: join(root, 'tsconfig.json'), include: [], files: ['file.ts'] }),
);
plant(
  'policies/payments.rego',
  'package rules.payments\n\nallow contains {"rule": "read"} if input.action.method == "GET"\n',
);
plant(
  'policies/payments_test.rego',
  'package rules.payments_test\n\ntest_nothing_is_two if {\n\t1 + 1 == 3\n}\n\ntest_two if {\n\t1 + 1 == 2\n}\n',
);

const runs: readonly RedRun[] = [
  { name: 'a type error', command: [bin('tsc'), '-p', types], says: /error TS2322/ },
  { name: 'a lint error', command: [bin('oxlint'), '--no-ignore', unlinted], says: /no-default-export/ },
  { name: 'a format error', command: [bin('oxfmt'), '--check', '--with-node-modules', misformatted], says: /file\.ts/ },
  {
    name: 'a failing test',
    command: [bin('vitest'), 'run', '--config', join(import.meta.dirname, 'vitest.config.ts')],
    says: /1 failed.*1 passed/,
  },
  {
    name: 'a failing policy test',
    command: [process.execPath, 'gateway/main.ts', 'policy', 'test', join(folder, 'policies')],
    says: /test_nothing_is_two/,
  },
];

const faults: string[] = [];
try {
  for (const { name, command, says } of runs) {
    const [program = '', ...args] = command;
    const { status, signal, stdout, stderr } = spawnSync(program, args, {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
      timeout: 300_000,
    });
    const output = `${stdout}${stderr}`;
    if (status === 0) faults.push(`${name} ended with exit code 0, so ${program} cannot turn the build red`);
    else if (status === null || !says.test(output)) {
      faults.push(`${name} ended with ${status ?? signal} for another reason: ${says} is not in its output\n${output}`);
    } else process.stdout.write(`${name} ends with exit code ${status}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.exitCode = faults.length > 0 ? 1 : 0;
