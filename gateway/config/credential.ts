import { z } from 'zod';
import type { Credential, PlainSecret } from '../domain/credential.ts';
import { section } from './section.ts';
import { file, headerName, headerValue } from './values.ts';

const secret = z
  .union([headerValue, section({ file, prefix: headerValue.default('') })], {
    error: 'expected a string on one line, or { file: …, prefix: … }',
  })
  .meta({ title: 'string or `{ file, prefix }`' });

const FORMS = 'expected header and value, headers, query, basic or path';

/** The forms of a system's own credential. */
export const credential = section({
  header: headerName.optional().describe("Header for the system's own credential; needs `value`. Agents never see it."),
  value: secret
    .optional()
    .describe(
      'Its value, such as `"Bearer ${PAYMENTS_KEY}"`. This and every other value of a credential may be in a file: `{ file: ./token, prefix: "Bearer " }`. A file that changes is in force within a second, without its last line break. If it is empty or broken, its last value stays in force, and the log says so.',
    ),
  headers: z
    .record(
      headerName,
      secret.describe('Value of one of several headers, such as `dd-api-key` and `dd-application-key`.'),
    )
    .default({}),
  query: z
    .record(
      z.string().min(1),
      secret.describe('Value of a query parameter. Parameters of the same name that an agent sends are removed.'),
    )
    .default({}),
  basic: section({
    user: secret.default('').describe('User of Basic authentication, which goes into `authorization`.'),
    password: secret.default('').describe('Password of Basic authentication.'),
  }).optional(),
  path: z
    .string()
    .regex(/^(?:\/[\w\-.~!$&'()*+,=:@]+)+$/, 'expected a path, such as "/bot${TELEGRAM_KEY}"')
    .optional()
    .meta({ title: 'path' })
    .describe('Path with the credential, put before the path of each call, such as `"/bot${TELEGRAM_KEY}"`.'),
}).transform(({ header, value, headers, query, basic, path }, ctx): Credential => {
  const report = (message: string, key: string) => {
    ctx.issues.push({ code: 'custom', path: [key], message, input: null });
    return z.NEVER;
  };
  if (header !== undefined && value === undefined) return report('missing; expected a value for the header', 'value');
  if (header === undefined && value !== undefined) return report('missing; expected the header of the value', 'header');
  const named = [
    ...(header !== undefined && value !== undefined ? [[header, value] as const] : []),
    ...Object.entries(headers),
    ...(basic ? [['authorization', basic] as const] : []),
  ].map(([name, of]) => ({ name, value: of }));
  const names = named.map(({ name }) => name);
  if (new Set(names).size < names.length) return report('expected each header once', header ? 'header' : 'headers');
  const parameters = Object.entries(query).map(([name, of]) => ({ name, value: of }));
  if (names.length + parameters.length === 0 && path === undefined) {
    ctx.issues.push({ code: 'custom', message: FORMS, input: null });
    return z.NEVER;
  }
  return { headers: named, query: parameters, ...(path !== undefined && { path }) };
});

/** A credential with the paths of its files made absolute. */
export function withFiles(from: Credential, absolute: (file: string) => string): Credential {
  const plain = (of: PlainSecret): PlainSecret => (typeof of === 'string' ? of : { ...of, file: absolute(of.file) });
  const placed = ({ name, value }: Credential['headers'][number]) => ({
    name,
    value:
      typeof value === 'object' && 'user' in value
        ? { user: plain(value.user), password: plain(value.password) }
        : plain(value),
  });
  return { ...from, headers: from.headers.map(placed), query: from.query.map(placed) };
}
