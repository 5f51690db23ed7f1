import { createServer } from 'node:http';

/**
 * Sends events at the constant rate that `GET /v1/events?rate=N` asks for, each with the time at which it was sent:
 * `node server.ts PORT`. The clock is the machine's monotonic one, which processes share.
 */
const TEXT = 'a piece of what a language model says, about as long as one';

createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  request.resume();
  const rate = Number(/^\/v1\/events\?rate=(\d+)$/.exec(request.url ?? '')?.[1]);
  if (!rate) return void response.end('{}');
  // Proxies that buffer answers are asked not to, as servers of events do.
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  const timer = setInterval(
    () => response.write(`data: {"sent":${process.hrtime.bigint()},"text":"${TEXT}"}\n\n`),
    1000 / rate,
  );
  response.on('close', () => clearInterval(timer));
}).listen(Number(process.argv[2]), '127.0.0.1');
