import type { AgentResponse } from '../../domain/message.ts';

/** Seconds for which a browser need not ask again. */
const MAX_AGE = '600';
const TOKENS = /^[!#$%&'*+\-.^_`|~\w]+(?:[ \t]*,[ \t]*[!#$%&'*+\-.^_`|~\w]+)*$/;

/** Permits what a browser asks for (the CORS protocol of the Fetch standard). The call itself is judged like any other. */
export function answerPreflight(response: AgentResponse, origin: string): void {
  const { headers } = response.request;
  const names = headers['access-control-request-headers'];
  const fields = {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': String(headers['access-control-request-method']),
    ...(names !== undefined && TOKENS.test(names) && { 'access-control-allow-headers': names }),
    'access-control-max-age': MAX_AGE,
    vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
  };
  response.begin(204, Object.entries(fields).flat());
  response.end();
}
