import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Where a command talks to its user. */
export type Terminal = {
  out(text: string): void;
  err(text: string): void;
  /** Text that may be longer than the screen: a person pages through it, a script gets it whole. */
  page(text: string): void;
  /** True only when the user says yes; false for anything else, and at the end of input. */
  confirm(question: string): Promise<boolean>;
};

export const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  page(text) {
    if (!process.stdout.isTTY) return void process.stdout.write(text);
    // -F: what fits on one screen needs no paging. -X: it stays on the screen.
    const { error } = spawnSync('less', ['-FX'], { input: text, stdio: ['pipe', 'inherit', 'inherit'] });
    if (error) process.stdout.write(text);
  },
  async confirm(question) {
    process.stderr.write(`${question} [y/N] `);
    const lines = createInterface({ input: process.stdin });
    const answer = await Promise.race([
      once(lines, 'line').then(([line]) => String(line)),
      once(lines, 'close').then(() => ''),
    ]);
    lines.close();
    return /^y(es)?$/i.test(answer.trim());
  },
};
