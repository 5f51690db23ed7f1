/** Heads as real clients send them. */
const REAL = [
  'POST /payments/v1/refunds HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: application/json\r\nAuthorization: Bearer hp_0123456789\r\nContent-Type: application/json\r\nUser-Agent: OpenAI/JS 6.49.0\r\nX-Stainless-Retry-Count: 0\r\nConnection: keep-alive\r\nContent-Length: 13\r\n\r\n{"amount":12}',
  'GET /github/repos/acme/app/issues?per_page=100&state=open HTTP/1.1\r\naccept: application/vnd.github.v3+json\r\nuser-agent: octokit.js/5.0.5 node.js/26\r\nauthorization: token hp_0123456789\r\nhost: gateway.example\r\nConnection: close\r\n\r\n',
  'POST /v1/charges HTTP/1.1\r\nAuthorization: Bearer sk_test\r\nAccept: application/json\r\nContent-Type: application/x-www-form-urlencoded\r\nUser-Agent: Stripe/v1 NodeBindings/18\r\nX-Stripe-Client-User-Agent: {"bindings_version":"18.0.0","lang":"node"}\r\nIdempotency-Key: stripe-node-retry-1\r\nContent-Length: 27\r\nHost: stripe.example:8090\r\nConnection: keep-alive\r\n\r\namount=2000&currency=usd%20',
  'PUT /jira/rest/api/3/issue/A-1 HTTP/1.1\r\nHost: a\r\nUser-Agent: python-requests/2.32\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\n{} \n',
  'DELETE /a/b HTTP/1.1\r\nHost: [::1]:80\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n',
  'POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  'POST /a HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nab',
  'GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
  'GET /-/holds/hold_1 HTTP/1.1\r\nHost: a\r\n\r\n',
  'HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
];

/** Lines and parts on which readers of HTTP/1.1 have disagreed. */
const LINES = [
  'Content-Length: 5',
  'content-length: 0',
  'Content-Length: 05',
  'Content-Length: +5',
  'Content-Length: 5, 5',
  'Content-Length:5',
  'Content-Length: 5 ',
  'Content-Length:\t5\t',
  'Content-Length : 5',
  'Content_Length: 5',
  'Content-Length: ',
  'Content-Length: 0x5',
  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding:',
  'Connection: close',
  'Connection: Keep-Alive',
  'Connection: close, keep-alive',
  'Connection:',
  'Connection: x',
  'connection: CLOSE',
  'Proxy-Connection: close',
  'Keep-Alive: timeout=1',
  'Upgrade: websocket',
  'Expect: 100-continue',
  'Expect: x',
  'Host: b',
  'Host:',
  'Set-Cookie: a=b',
  'Cookie: a=b',
  'Cookie: c=d',
  'X: y',
  'x: z',
  'X:',
  'X: \xe9\xff',
  'X: \x80',
  'X: a\0b',
  'X: a\x01b',
  'X: a\x7fb',
  'X: a\rb',
  'X: a\nb',
  ' folded',
  '\tfolded',
  ': nameless',
  'no colon',
  'X Y: z',
  'X\t: z',
  '__proto__: a',
  'constructor: a',
  'toString: a',
  'Trailer: x',
  'TE: trailers',
  'HTTP2-Settings: AAAA',
  'Age: 1',
  'Date: now',
  'X-Long: '.padEnd(9000, 'x'),
  'X-Longer: '.padEnd(17_000, 'x'),
];
const TARGETS = [
  '*',
  'http://b/c',
  '/',
  '//',
  '/a b',
  '/a#b',
  '/a?b=c d',
  '/\xe9',
  '/a\tb',
  '/a\\b',
  '/"<>^`{|}',
  '',
  'a',
  '/-/',
  '/%00',
];
const METHODS = [
  'GET',
  'get',
  'POST',
  'PRI',
  'CONNECT',
  'TRACE',
  'OPTIONS',
  'QUERY',
  'PATCH',
  'FOO',
  'M-SEARCH',
  'SOURCE',
  'G ET',
  '',
];
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/1.2',
  'HTTP/1.10',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTP/0.9',
  ' HTTP/1.1',
  'ICE/1.0',
  'RTSP/1.0',
];
const BYTES = [0, 1, 9, 10, 11, 12, 13, 31, 32, 33, 35, 58, 127, 128, 160, 255];

/** A generator of numbers from 0 to 1 that always gives the same ones (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.trunc(state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The bytes of one connection, in the pieces in which they arrive: real requests, most of them damaged. */
export function someRequests(random: () => number): Buffer[] {
  const upTo = (limit: number) => Math.floor(random() * limit);
  const one = <T>(of: readonly T[]): T => of[upTo(of.length)]!;

  function damaged(request: string): string {
    const split = request.indexOf('\r\n\r\n');
    const [first = '', ...lines] = request.slice(0, split).split('\r\n');
    let line = first;
    let body = request.slice(split + 4);
    let all = '';
    for (let times = upTo(3); times > 0; times -= 1) {
      const at = upTo(lines.length + 1);
      switch (upTo(8)) {
        case 0:
        case 1:
          lines.splice(at, 0, one(LINES));
          break;
        case 2:
          lines.splice(at, 1);
          break;
        case 3:
          lines.splice(at, 0, lines[upTo(lines.length)] ?? '');
          break;
        case 4:
          line = line.replace(/ [^ ]*/, () => ` ${one(TARGETS)}`);
          break;
        case 5:
          line =
            random() < 0.5 ? line.replace(/^\S*/, () => one(METHODS)) : line.replace(/HTTP\/.*$/, () => one(VERSIONS));
          break;
        case 6:
          body =
            random() < 0.5 ? body.slice(0, upTo(body.length)) : body + one(['a', '\r\n', 'GET / HTTP/1.1\r\n\r\n']);
          break;
        case 7: {
          const old = lines.findIndex((each) => /^content-length/i.test(each));
          if (old >= 0) lines[old] = one(LINES.slice(0, 13));
        }
      }
    }
    all = `${[line, ...lines].join('\r\n')}\r\n\r\n${body}`;
    if (random() < 0.25) {
      const at = upTo(all.length);
      const byte = random() < 0.5 ? String.fromCharCode(one(BYTES)) : '';
      all = all.slice(0, at) + byte + all.slice(at + upTo(2));
    }
    return all;
  }

  let text = '';
  for (let count = random() < 0.7 ? 1 : 2; count > 0; count -= 1)
    text += damaged(random() < 0.7 ? one(REAL.slice(0, 5)) : one(REAL));
  const bytes = Buffer.from(text, 'latin1');
  const cuts = random() < 0.6 ? [] : [upTo(bytes.length), upTo(bytes.length)].toSorted((a, b) => a - b);
  return [0, ...cuts].map((from, i) => bytes.subarray(from, cuts[i])).filter(({ length }) => length > 0);
}
