import { Problem } from '../../domain/problem.ts';
import { isJsonType } from '../../json/json-type.ts';
import { charsetOf } from './charset.ts';

/** How policy reads a body. */
export type BodyKind = 'json' | 'form' | 'lines' | 'multipart' | 'related' | 'graphql' | 'xml' | 'yaml' | 'opaque';

/** The other types of which policy reads the body. */
const OTHERS: Readonly<Record<string, BodyKind>> = {
  'application/x-www-form-urlencoded': 'form',
  'application/x-ndjson': 'lines',
  'application/ndjson': 'lines',
  'application/jsonl': 'lines',
  'application/x-jsonl': 'lines',
  'application/jsonlines': 'lines',
  'application/x-jsonlines': 'lines',
  'multipart/form-data': 'multipart',
  'multipart/related': 'related',
  'application/graphql': 'graphql',
  'application/yaml': 'yaml',
  'text/xml': 'xml',
  'application/xml': 'xml',
  // A document for people, with a DTD.
  'application/xhtml+xml': 'opaque',
};

const MEDIA_TYPE = /^([\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+)[ \t]*(;.*)?$/;

/**
 * How a body of this Content-Type is read. A type of which policy reads nothing, or none, is opaque.
 * @throws Problem `bad-body` for a type that servers read differently, or a charset that policy cannot read
 */
export function bodyKind(contentType: string | undefined): BodyKind {
  if (contentType === undefined) return 'opaque';
  // Nearly all calls send one of these; the general way is slower.
  if (contentType === 'application/json') return 'json';
  if (contentType === 'application/x-www-form-urlencoded') return 'form';

  const match = MEDIA_TYPE.exec(contentType);
  // Content-type confusion: `application/json, text/plain` is JSON to one parser and text to another.
  if (match === null) throw refused('Send a Content-Type with exactly one media type, such as application/json.');
  const type = match[1]!.toLowerCase();
  const kind = kindOf(type);
  if (kind === 'opaque') return kind;
  // Charset confusion: in UTF-7, UTF-16 or IBM037 the same bytes are a different text from the judged one.
  const charset = charsetOf(match[2] ?? '');
  if (charset !== 'utf-8' && kind !== 'json' && (kind !== 'form' || charset === 'utf-16')) {
    throw refused('Send the body in UTF-8.');
  }
  return kind;
}

function kindOf(type: string): BodyKind {
  if (isJsonType(type)) return 'json';
  // Elasticsearch's own, `application/vnd.elasticsearch+x-ndjson`.
  if (type.endsWith('+x-ndjson')) return 'lines';
  // Kubernetes' own, `application/apply-patch+yaml`.
  if (type.endsWith('+yaml')) return 'yaml';
  if (Object.hasOwn(OTHERS, type)) return OTHERS[type]!;
  return type.startsWith('application/') && type.endsWith('+xml') ? 'xml' : 'opaque';
}

function refused(detail: string): Problem {
  return new Problem('bad-body', { detail });
}
