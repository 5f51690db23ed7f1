import { Problem } from '../../domain/problem.ts';
import { charsetOf } from './charset.ts';

/** How policy reads a body. */
type BodyKind = 'json' | 'form' | 'opaque';

const MEDIA_TYPE = /^([\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+)[ \t]*(;.*)?$/;

/**
 * How a body of this Content-Type is read: `application/json`, `text/json` and `+json` as JSON, forms as forms. Any
 * other type, or none, is opaque to policy.
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
  const json = type === 'application/json' || type === 'text/json' || type.endsWith('+json');
  if (!json && type !== 'application/x-www-form-urlencoded') return 'opaque';
  // Charset confusion: in UTF-7, UTF-16 or IBM037 the same bytes are a different text from the judged one.
  if (charsetOf(match[2] ?? '') === 'utf-16' && !json) throw refused('Send the form in UTF-8.');
  return json ? 'json' : 'form';
}

function refused(detail: string): Problem {
  return new Problem('bad-body', { detail });
}
