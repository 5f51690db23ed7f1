import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

/** The fixed answers for machines without nginx: `node upstream-server.ts PORT EXPORT [TLS-PORT CERTIFICATE KEY]`. */
const [port, file, tlsPort, certificate, key] = process.argv.slice(2);
const answer = Buffer.from(
  '{"id":"re_3Rd000000000000000001","object":"refund","amount":2000,"charge":"ch_3Rd000000000000000002","status":"succeeded"}',
);
const headers = { 'content-type': 'application/json', 'content-length': answer.length };
const message = Buffer.from(
  '{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"Ordered: PO-70012, today."}]}}',
);
const messageHeaders = {
  'content-type': 'application/json',
  'content-length': message.length,
  'mcp-session-id': '0f8e6c1e-6f2b-4c6e-9c1b-3b8a5d0c7e11',
};
const longAnswer = readFileSync(file!);

const answers: RequestListener = (request, response) => {
  request.resume();
  if (request.url === '/v1/exports/10mb')
    response.writeHead(200, { 'content-length': longAnswer.length }).end(longAnswer);
  else if (request.url === '/mcp') response.writeHead(200, messageHeaders).end(message);
  else response.writeHead(200, headers).end(answer);
};
const options = { keepAliveTimeout: 600_000 };
createServer(options, answers).listen(Number(port), '127.0.0.1');
if (tlsPort) {
  const identity = { cert: readFileSync(certificate!), key: readFileSync(key!) };
  createTlsServer({ ...options, ...identity }, answers).listen(Number(tlsPort), '127.0.0.1');
}
