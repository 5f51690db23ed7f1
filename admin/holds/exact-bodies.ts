import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { parseExactly, type ExactJson } from '../../gateway/json/exact-json.ts';

/**
 * Keeps the text of each JSON body that these routes get, because JavaScript's numbers lose digits that a person may
 * have written.
 */
export function exactBodies(app: Parameters<FastifyPluginAsyncZod>[0]) {
  const texts = new WeakMap<FastifyRequest, string>();
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    texts.set(request, text as string);
    void parse(request, text as string, done);
  });
  return {
    parse,
    /** What the body is read as, where that is not its own text. */
    keep: (request: FastifyRequest, text: string) => void texts.set(request, text),
    /** The body with every digit; an empty object when there is none. */
    read: (request: FastifyRequest): ExactJson => parseExactly(texts.get(request) ?? '{}'),
  };
}
