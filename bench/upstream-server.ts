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
const longAnswer = readFileSync(file!);

const answers: RequestListener = (request, response) => {
  request.resume();
  if (request.url === '/v1/exports/10mb')
    response.writeHead(200, { 'content-length': longAnswer.length }).end(longAnswer);
  else response.writeHead(200, headers).end(answer);
};
const options = { keepAliveTimeout: 600_000 };
createServer(options, answers).listen(Number(port), '127.0.0.1');
if (tlsPort) {
  const identity = { cert: readFileSync(certificate!), key: readFileSync(key!) };
  createTlsServer({ ...options, ...identity }, answers).listen(Number(tlsPort), '127.0.0.1');
}
