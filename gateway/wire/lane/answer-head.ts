// To save memory: an `import` reads every export of this module, and so loads Node's fetch.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The head of an answer as text, one character for each byte, and what follows from it. */
export type AnswerHead = {
  readonly text: string;
  /** Whether the body is sent in chunks. */
  readonly isChunked: boolean;
  /** Bytes of the body; negative if its head does not say. */
  readonly length: number;
  readonly closes: boolean;
};

/**
 * Writes the head of an answer as `node:http` does: with Date, the framing, and what becomes of the connection.
 * @param keptFor seconds for which the connection is kept; null closes it after the answer
 * @throws Error when a field cannot be sent: nothing in it may end a line (response splitting)
 */
export function answerHead(
  status: number,
  phrase: string | undefined,
  fields: readonly string[],
  hasBody: boolean,
  keptFor: number | null,
): AnswerHead {
  let text = `HTTP/1.1 ${status} ${phrase ?? STATUS_CODES[status] ?? 'unknown'}\r\n`;
  if (phrase !== undefined && !VALUE.test(phrase)) throw new Error('the reason phrase cannot be sent');
  let length = -1;
  let closes = keptFor === null;
  let hasDate = false;
  let hasConnection = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    assertSendable(name, value);
    text += `${name}: ${value}\r\n`;
    switch (name.length) {
      case 4:
        hasDate ||= name.toLowerCase() === 'date';
        break;
      case 10:
        if (name.toLowerCase() !== 'connection') break;
        hasConnection = true;
        closes ||= value.toLowerCase() === 'close';
        break;
      case 14:
        if (name.toLowerCase() === 'content-length') length = Number(value);
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') throw new Error('Transfer-Encoding cannot be set');
        break;
    }
  }
  if (!hasDate) text += `Date: ${dateNow()}\r\n`;
  if (!hasConnection) {
    text += closes ? 'Connection: close\r\n' : `Connection: keep-alive\r\nKeep-Alive: timeout=${keptFor}\r\n`;
  }
  const isChunked = hasBody && length < 0;
  return { text: `${text}${isChunked ? 'Transfer-Encoding: chunked\r\n' : ''}\r\n`, isChunked, length, closes };
}

/** @throws Error when a field of a head or of trailers cannot be sent */
export function assertSendable(name: string, value: string): void {
  if (!NAME.test(name) || !VALUE.test(value)) throw new Error(`the header ${JSON.stringify(name)} cannot be sent`);
}

let dateOf = 0;
let date = '';

function dateNow(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateOf) {
    dateOf = second;
    date = new Date(second * 1000).toUTCString();
  }
  return date;
}
