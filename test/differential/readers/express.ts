// What Express reads in a request, in every way that its documentation shows.
import express, { type Request, type Response, type RequestHandler } from 'express';

const app = express();
const any = () => true;
const parsers: readonly (readonly [string, RequestHandler])[] = [
  ['json', express.json()],
  ['json, whatever the type', express.json({ type: any })],
  ['urlencoded, extended', express.urlencoded({ extended: true })],
  ['urlencoded, simple', express.urlencoded({ extended: false })],
  ['urlencoded, extended, whatever the type', express.urlencoded({ extended: true, type: any })],
];

/** Each parser gets the whole body: a stream is read once, so the bytes are put back for the next one. */
async function readWith(parser: RequestHandler, request: Request, response: Response, body: Buffer): Promise<unknown> {
  const { Readable } = await import('node:stream');
  const again = Object.assign(Readable.from(body.length > 0 ? [body] : []), {
    headers: request.headers,
    method: 'POST',
  });
  await new Promise((resolve) => parser(again as unknown as Request, response, resolve));
  const { body: read } = again as unknown as { body?: { amount?: unknown } };
  return typeof read === 'object' && read !== null && Object.hasOwn(read, 'amount') ? read.amount : null;
}

let routed = false;
app.use('/admin', (_request, _response, next) => {
  routed = true;
  next();
});
app.use(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const amounts: Record<string, unknown> = { query: request.query['amount'] ?? null };
  for (const [name, parser] of parsers)
    amounts[name] = await readWith(parser, request, response, Buffer.concat(chunks));
  const paths = { path: request.path.split('/').map(decoded), router: routed ? ['', 'admin'] : [''] };
  routed = false;
  response.json({ amounts, paths });
});
app.listen(Number(process.argv[2]), '127.0.0.1');

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
