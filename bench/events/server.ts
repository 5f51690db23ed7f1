import { createServer } from 'node:http';

/**
 * Sends events, each with the time at which it was sent: `node server.ts PORT`. The clock is the machine's monotonic one,
 * which processes share. `GET /v1/events?rate=N` asks for so many a second, and `POST /mcp?rate=N`, a tool call, for
 * notifications of its progress. `GET /mcp` opens a stream on which nothing comes. `GET /v1/streams` tells how many streams are open.
 */
const TEXT = 'a piece of what a language model says, about as long as one';

type EventText = (number: number, sent: bigint) => string;

const piece: EventText = (_, sent) => `data: {"sent":${sent},"text":"${TEXT}"}\n\n`;
const progress: EventText = (number, sent) =>
  `event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":${number},"message":"${TEXT}","_meta":{"sent":${sent}}}}\n\n`;

let streams = 0;

createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  request.resume();
  const [, path, rate] = /^\/(v1\/events|mcp)(?:\?rate=(\d+))?$/.exec(request.url ?? '') ?? [];
  if (path === undefined) return void response.end(request.url === '/v1/streams' ? String(streams) : '{}');
  streams += 1;
  response.on('close', () => (streams -= 1));
  // Proxies that buffer answers are asked not to, as servers of events do.
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  if (rate === undefined) return;
  const text = path === 'mcp' ? progress : piece;
  let sent = 0;
  const timer = setInterval(() => response.write(text(++sent, process.hrtime.bigint())), 1000 / Number(rate));
  response.on('close', () => clearInterval(timer));
}).listen(Number(process.argv[2]), '127.0.0.1');
