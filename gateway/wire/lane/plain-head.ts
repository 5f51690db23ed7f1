import type { IncomingHttpHeaders } from 'node:http';
import { mayBecomeLegal, readFieldLines, refuseIllegal } from '../field-lines.ts';

/** Longest head that the lane takes, in bytes. */
export const LONGEST_HEAD = 16 * 1024;

/** Most field lines of a head that the lane takes. `node:http` drops lines after its first thousand. */
const MOST_FIELDS = 200;

const REQUEST_LINE = /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\/[\x21-\x7e]*) HTTP\/1\.1\r\n/;
const LENGTH = /^(?:0|[1-9]\d{0,14})$/;

/** The head of a request that readers of HTTP/1.1 cannot understand in two ways. */
export type PlainHead = {
  readonly method: string;
  readonly target: string;
  /** Each name once. */
  readonly headers: IncomingHttpHeaders;
  /** Names and values alternating, as received. */
  readonly rawHeaders: string[];
  /** Bytes of the body. */
  readonly length: number;
  /** Whether the caller may send another request on the connection. */
  readonly keepAlive: boolean;
};

/**
 * Reads a head, with the end of its last line. Null leaves it to `node:http`: the request is invalid, or it asks for
 * something that the lane does not do. So this accepts less than `node:http` does, and never reads it differently.
 */
export function readPlainHead(text: string): PlainHead | null {
  const line = REQUEST_LINE.exec(text);
  if (!line) return null;
  const rawHeaders = fieldsOf(text, line[0].length);
  if (rawHeaders === null || rawHeaders.length > 2 * MOST_FIELDS) return null;

  const headers: IncomingHttpHeaders = {};
  let length = 0;
  let keepAlive = true;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    const value = rawHeaders[i + 1]!;
    // Repeated headers are joined, dropped or listed, by their name.
    if (headers[name] !== undefined) return null;
    switch (name) {
      case 'content-length':
        if (!LENGTH.test(value)) return null;
        length = Number(value);
        break;
      case 'connection': {
        const option = value.toLowerCase();
        if (option === 'close') keepAlive = false;
        else if (option !== 'keep-alive') return null;
        break;
      }
      case 'transfer-encoding':
      case 'expect':
      case 'upgrade':
      // Node's parser reads it like Connection.
      case 'proxy-connection':
      // Node gives it as a list.
      case 'set-cookie':
        return null;
    }
    headers[name] = value;
  }
  if (headers.host === undefined) return null;
  return { method: line[1]!, target: line[2]!, headers, rawHeaders, length, keepAlive };
}

/** Whether a head that has arrived in part can still be plain. If not, its sender need not wait to be told so. */
export function mayBecomePlain(text: string): boolean {
  return REQUEST_LINE.test(text) && mayBecomeLegal(text);
}

function fieldsOf(text: string, at: number): string[] | null {
  try {
    refuseIllegal(text);
    return readFieldLines(text, at);
  } catch {
    return null;
  }
}
