import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** How much of an unread body is taken in and thrown away, in bytes, and for how long, in milliseconds. */
const MOST_BYTES = 64 * 2 ** 20;
const LONGEST = 10_000;

const DRAINING = Symbol('a refused body is being drained');
type Connection = Duplex & { [DRAINING]?: true };

/**
 * Ends an answer to a caller that still writes its body. Closing at once would reset the connection, and the caller
 * would lose the answer (RFC 9112 section 9.6). The rest of the body is read, up to a bound, before the close.
 */
export function endAfterBody(response: ServerResponse, body: Buffer | undefined): void {
  const { req } = response;
  const connection: Connection = req.socket;
  connection[DRAINING] = true;
  if (body === undefined) response.flushHeaders();
  else response.write(body);

  let drained = 0;
  const end = () => {
    clearTimeout(late);
    req.off('data', count);
    req.off('end', end);
    req.off('close', end);
    req.pause();
    response.end();
  };
  const count = (chunk: Buffer) => {
    drained += chunk.length;
    if (drained > MOST_BYTES) end();
  };
  const late = setTimeout(end, LONGEST).unref();
  req.on('data', count);
  req.on('end', end);
  req.on('close', end);
  req.resume();
}

/** Request smuggling: what follows a refused body on its connection must not become the next request. */
export function isDraining(connection: Connection): boolean {
  return connection[DRAINING] === true;
}
