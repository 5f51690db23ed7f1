import { expect, test } from 'vitest';
import { attachment } from '../../../gateway/domain/attachment.ts';

test.each([
  ['../../etc/passwd', 'passwd', 'passwd'],
  ['C:\\temp\\report.txt', 'report.txt', 'report.txt'],
  ['folder/', 'artifact', 'artifact'],
  ['.bashrc', '_bashrc', '.bashrc'],
  ['a"\r\nSet-Cookie: x', 'a___Set-Cookie__x', 'a%22%0D%0ASet-Cookie%3A%20x'],
  ['lone \ud800', 'lone__', 'lone%20%EF%BF%BD'],
])('a file named %j is saved without folders, under a name that cannot end the header', (name, plain, extended) => {
  expect(attachment(name)).toBe(`attachment; filename="${plain}"; filename*=UTF-8''${extended}`);
});
