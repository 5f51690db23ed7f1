import type { IncomingHttpHeaders } from 'node:http';

// What the path of a call uses of a request and its answer. Two readers supply them: see `gateway/wire/README.md`.

/** The head of a request, as `IncomingMessage` has it. */
export type RequestHead = {
  readonly method?: string | undefined;
  /** The request target, byte for byte. */
  readonly url?: string | undefined;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  readonly headers: IncomingHttpHeaders;
  /** Names and values alternating, as received. */
  readonly rawHeaders: string[];
};

/** A request of an agent. */
export type AgentRequest = RequestHead & {
  /** Whether all of it has arrived. */
  readonly complete: boolean;
  readonly socket: {
    readonly remoteAddress?: string | undefined;
    readonly localAddress?: string | undefined;
    readonly localPort?: number | undefined;
  };
  /** Whether its body was given to a reader. */
  readonly wasRead: boolean;
  /** Gives the body to `reader`, once. Pieces may come before this returns. */
  readBody(reader: BodyReader): void;
};

/** Takes a body in. */
export type BodyReader = {
  /**
   * False ends the reading: the rest stays unread.
   * @param isOwn whether nobody else uses the memory of these bytes, so that the reader may free it
   */
  piece(bytes: Buffer, isOwn: boolean): boolean;
  end(): void;
  /** The caller left before the body was whole. A truncated body must never be judged as a whole one. */
  cut(): void;
};

/** The answer to a request. The gateway adds Date, the framing and what becomes of the connection. */
export type AgentResponse = {
  readonly request: AgentRequest;
  /** Whether the head is written. */
  readonly begun: boolean;
  /** Whether the whole answer is written. */
  readonly ended: boolean;
  /** Whether the caller left before it had the whole answer. */
  readonly gone: boolean;
  /** Calls `closed` once, when the caller has the answer or has left. */
  onClose(closed: () => void): void;
  /** Calls `resume` once, after `write` asked for a pause. */
  onDrain(resume: () => void): void;
  /** Asks for the body that the caller announced: 100 Continue (RFC 9110 section 10.1.1). */
  sendContinue(): void;
  /**
   * Writes the head, which may wait for the first piece of the body.
   * @param fields names and values alternating; `connection: close` closes the connection after the answer
   * @throws Error when a field cannot be sent
   */
  begin(status: number, fields: readonly string[], phrase?: string): void;
  /** Sends the head without the body. */
  flush(): void;
  /** Writes a piece of the body. False asks for a pause. */
  write(piece: Buffer): boolean;
  /** Writes the last piece, and trailers if the answer has no length. */
  end(piece?: Buffer, trailers?: readonly string[]): void;
  /**
   * Ends the answer to a caller that still writes its body. The connection closes once the body has arrived, or is too
   * long: closing at once would reset it, and the caller would lose the answer (RFC 9112 section 9.6).
   */
  endAfterBody(piece?: Buffer): void;
  /** Ends the answer in the middle and closes the connection, so that the caller cannot take the part for the whole. */
  abort(): void;
};
