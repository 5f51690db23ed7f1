import { readFileSync } from 'node:fs';

/** What can be sent in a header. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** The value in a file, without its last line break. @throws Error that says what is wrong, without the content */
export function readSecretFile(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(code === 'ENOENT' ? `no such file: ${file}` : `cannot read ${file}: ${code}`, { cause: error });
  }
  if (text === '') throw new Error(`${file} is empty`);
  if (!VALUE.test(text)) throw new Error(`expected one line of text in ${file}`);
  return text;
}
