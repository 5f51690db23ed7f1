import { createServer } from 'node:http';

/** Answers at once, except that it stops for `STALL` ms in every `PERIOD`: `node stalling-server.ts PORT PERIOD STALL`. */
const [port, period, stall] = process.argv.slice(2).map(Number) as [number, number, number];

createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  request.resume();
  response.end('{}');
}).listen(port, '127.0.0.1');

// The whole process sleeps, as in a long garbage collection: what arrives waits in the sockets.
const never = new Int32Array(new SharedArrayBuffer(4));
setInterval(() => Atomics.wait(never, 0, 0, stall), period);
