import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { CommandFailed, defineCommand, type Command } from '../../../gateway/cli/command.ts';
import { tempFolder } from '../../helpers/folder.ts';

const ROOT = join(import.meta.dirname, '../../..');

const pack = defineCommand({
  parameters: ['BOX', '[LABEL]'],
  options: {
    size: { value: 'SIZE', oneOf: ['small', 'large'], required: true, help: 'how large' },
    tag: { value: 'TAG', multiple: true, help: 'a word for it' },
    by: { value: 'WHEN', default: 'tomorrow', help: 'until when' },
    fragile: { short: 'f', help: 'with care' },
  },
  notes: ['Boxes are brown.'],
  async run({ args, values, terminal }) {
    if (args[0] === 'broken') throw new CommandFailed('The box is \u001b[31mbroken.', { cause: new Error('rain') });
    if (args[0] === 'bug') throw new Error('impossible', { cause: new Error('a mistake') });
    terminal.out(JSON.stringify({ args, values }));
    return args[0] === 'full' ? 1 : 0;
  },
});
const shop = defineCommand({
  commands: { pack: ['pack a box', async () => pack], sell: ['sell it', () => pack] },
});

async function run(command: Command, ...args: string[]) {
  const said = { out: '', err: '' };
  const terminal = {
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    page: (text: string) => void (said.out += text),
    confirm: async () => false,
  };
  const code = await command(args, terminal, { name: 'holdpoint', summary: 'a shop' });
  return { code, ...said };
}

test('a command gets its arguments and the values of all options', async () => {
  const { code, out, err } = await run(shop, 'pack', 'a', '--size', 'small', '-f', '--tag', 'x', '--tag', 'y');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(JSON.parse(out)).toEqual({
    args: ['a'],
    values: { size: 'small', tag: ['x', 'y'], by: 'tomorrow', fragile: true, help: false },
  });
});

test('a command explains itself in one layout, with everything that it takes', async () => {
  const help = await run(shop, 'pack', 'a', '--help');
  expect(help).toMatchObject({ code: 0, err: '' });
  expect(help.out).toMatchInlineSnapshot(`
    "holdpoint pack: pack a box

    Usage: npx holdpoint pack BOX [LABEL] --size SIZE [options]

    Options:
      --size SIZE    how large: small, large
      --tag TAG      a word for it
      --by WHEN      until when (default: tomorrow)
      -f, --fragile  with care
      -h, --help     show this help

    Boxes are brown.
    Exit codes: 0 ok, 1 failed or refused, 2 usage error.
    "
  `);
  for (const args of [
    ['pack', '-h'],
    ['help', 'pack'],
  ])
    expect(await run(shop, ...args)).toEqual(help);
});

test('a command that has others lists them when none is named', async () => {
  const help = await run(shop);
  expect(help).toMatchObject({ code: 0, err: '' });
  expect(help.out).toMatchInlineSnapshot(`
    "holdpoint: a shop

    Usage: npx holdpoint pack|sell [options]

    Commands:
      pack  pack a box
      sell  sell it

    Options:
      -h, --help  show this help

    Exit codes: 0 ok, 1 failed or refused, 2 usage error.
    "
  `);
  for (const args of [['--help'], ['-h'], ['help'], ['--']]) expect(await run(shop, ...args)).toEqual(help);
});

test.each([
  ['a missing argument', [], 'Missing BOX.'],
  ['an argument too many', ['a', 'b', 'c'], 'Unexpected argument "c".'],
  ['a missing option', ['a'], '--size: expected one of small, large.'],
  ['a value that an option cannot take', ['a', '--size', 'huge'], '--size: expected one of small, large.'],
  ['an option without its value', ['a', '--size'], "Option '--size <value>' argument missing."],
  ['a flag with a value', ['a', '--fragile=very'], "Option '-f, --fragile' does not take an argument."],
  ['a misspelt option', ['a', '--fragil'], 'Unknown option --fragil. Did you mean "--fragile"?'],
  ['an unknown option', ['a', '--secret=x'], 'Unknown option --secret.'],
  ['an unknown letter', ['a', '-x'], 'Unknown option -x.'],
])('%s is a usage error: a sentence, the usage, and exit code 2', async (_name, args, sentence) => {
  expect(await run(shop, 'pack', ...args)).toEqual({
    code: 2,
    out: '',
    err: `${sentence}\nUsage: npx holdpoint pack BOX [LABEL] --size SIZE [options]\n`,
  });
});

test('an unknown command is a usage error that suggests the nearest', async () => {
  const usage = 'Usage: npx holdpoint pack|sell [options]\n';
  const there = await run(shop, 'pakc');
  expect(there).toEqual({ code: 2, out: '', err: `There is no command "pakc". Did you mean "pack"?\n${usage}` });
  expect((await run(shop, 'constructor')).err).toBe(`There is no command "constructor".\n${usage}`);
  expect((await run(shop, '--', 'sell')).err).toBe(`Put options after "sell".\n${usage}`);
});

test('a command that fails or is refused ends with 1, and its sentence cannot draw on the terminal', async () => {
  const failed = await run(shop, 'pack', 'broken', '--size', 'small');
  expect(failed).toEqual({ code: 1, out: '', err: 'The box is \\u{1b}[31mbroken.\n' });
  expect(await run(shop, 'pack', 'full', '--size', 'small')).toMatchObject({ code: 1, err: '' });
});

test('an error that no command expected comes with its stack', async () => {
  const { code, err } = await run(shop, 'pack', 'bug', '--size', 'small');
  expect(code).toBe(1);
  expect(err).toMatch(/^Error: impossible\n +at /);
});

test('npx holdpoint runs in a clone, with the Node of the lockfile where the machine has an older one', async () => {
  const folder = tempFolder();
  const machine = process.env['PATH']!.split(delimiter).filter((path) => !path.includes('node_modules'));
  const env = { PATH: machine.join(delimiter), HOME: folder.path, npm_config_offline: 'true' };
  const npx = (...args: string[]) => promisify(execFile)('npx', ['holdpoint', ...args], { cwd: ROOT, env });
  try {
    expect((await npx('token')).stdout).toMatch(/^token +hp_/);
    await expect(npx('tokn')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean "token"?'),
    });
  } finally {
    folder.remove();
  }
});
