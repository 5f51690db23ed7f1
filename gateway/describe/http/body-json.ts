import { isUtf8 } from 'node:buffer';
import { Problem } from '../../domain/problem.ts';
import { formToJson } from './form.ts';
import { validateJson } from '../../json/validate.ts';
import { bodyKind } from './media-type.ts';
import { hasMethodOverrideMember } from './method-override.ts';
import type { Readings } from './readings.ts';

/** How systems may read a body that is not empty, each as in `bodyJson`. @throws Problem `bad-body` */
export function readBodyAs(body: Buffer, contentType: string | undefined): Readings<string | null> {
  return [bodyJson(body, contentType)];
}

/**
 * A body as policy sees it, as JSON text: the body itself if it is JSON, or a form converted. Null when policy cannot
 * read a body of this Content-Type. The body is not empty.
 * @throws Problem `bad-body` when the body cannot be judged exactly as it is
 */
export function bodyJson(body: Buffer, contentType: string | undefined): string | null {
  switch (bodyKind(contentType)) {
    case 'opaque':
      return null;
    case 'form':
      if (!isUtf8(body)) throw new Problem('bad-body', { detail: 'The form is not valid UTF-8. Percent-encode it.' });
      return formToJson(body.toString('utf8'));
    case 'json': {
      const text = validateJson(body);
      if (hasMethodOverrideMember(text)) {
        throw new Problem('bad-body', {
          detail: 'The body has a member that overrides the method. Use that method instead.',
        });
      }
      return text;
    }
  }
}
