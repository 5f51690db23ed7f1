import { createServer } from 'node:http';

/** The fixed answer for machines without nginx: `node upstream-server.ts PORT`. */
const answer = Buffer.from(
  '{"id":"re_3Rd000000000000000001","object":"refund","amount":2000,"charge":"ch_3Rd000000000000000002","status":"succeeded"}',
);
const headers = { 'content-type': 'application/json', 'content-length': answer.length };

createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  request.resume();
  response.writeHead(200, headers).end(answer);
}).listen(Number(process.argv[2]), '127.0.0.1');
