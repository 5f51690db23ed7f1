import { z } from 'zod';
import type { Upload } from '../domain/system.ts';

export const UPLOADS = `Calls whose body is content to store, such as objects of any type: \`"PUT /{bucket}/{key...}?partNumber&uploadId"\`. Policy sees their size, and does not read them; of other calls, a body of a type that policy reads must be valid. \`{name}\` stands for one name, and \`{name...}\`, at the end, for one or more. After \`?\` are the only query parameters that such a call may have; without it, it may have any. Declare no call in whose body the system looks for instructions.`;

const SEGMENT = String.raw`(?:\{\w+\}|[\w\-.~!$&'()*+,=:@]+)`;
const PATTERN = new RegExp(
  String.raw`^(POST|PUT|PATCH) (?=/)((?:/${SEGMENT})*)(/\{\w+\.\.\.\})?(?:\?([\w-]+(?:&[\w-]+)*))?$`,
);

/** One pattern of the calls that are uploads, in the words of Go's `http.ServeMux`. */
export const upload = z
  .string()
  .regex(PATTERN, 'expected a method and a path, such as "PUT /{bucket}/{key...}?partNumber&uploadId"')
  .meta({ title: 'method and path' })
  .transform((pattern): Upload => {
    const [, method = '', path = '', rest, query] = PATTERN.exec(pattern) ?? [];
    const names = path.split('/').slice(1);
    return {
      method,
      segments: names.map((name) => (name.startsWith('{') ? null : name)),
      hasRest: rest !== undefined,
      query: query?.split('&') ?? null,
    };
  });
