import type { Call } from '../domain/call.ts';
import type { Exchange } from '../domain/exchange.ts';
import { createId } from '../domain/id.ts';
import type { Principal } from '../domain/principal.ts';
import type { System } from '../domain/system.ts';
import { readBody } from './body.ts';
import { assertPlainFraming } from './framing.ts';
import { createDescriber } from './rest.ts';

/** Who calls which system, as `identify` found out. */
export type Caller = { readonly principal: Principal; readonly system: System; readonly target: string };

/**
 * Turns a request into a Call: its head is checked before its body is asked for, the body is read once, and what is
 * ambiguous is refused instead of guessed.
 * @throws Problem with a 4xx status; nothing has been forwarded then
 */
export function createDescribe(systems: readonly System[]): (exchange: Exchange, caller: Caller) => Promise<Call> {
  const describers = new Map(systems.map((system) => [system.name, createDescriber(system)]));

  return async ({ request, response, receivedAt }, { principal, system, target }) => {
    assertPlainFraming(request);
    // Only now is the client asked for the body it announced (RFC 9110 section 10.1.1).
    if (request.headers.expect !== undefined) response.writeContinue();
    const body = await readBody(request, system.bodyLimit);
    return describers.get(system.name)!({
      id: createId('call'),
      at: receivedAt,
      principal,
      target,
      method: request.method ?? '',
      rawHeaders: request.rawHeaders,
      headers: request.headers,
      body,
      ip: request.socket.remoteAddress ?? '',
    });
  };
}
