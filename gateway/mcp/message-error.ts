import { Problem } from '../domain/problem.ts';

/** A message that is no message of MCP, or could be read in several ways. `rpcCode` is the code of JSON-RPC. */
export class MessageError extends Problem {
  readonly rpcCode: number;
  /** The id of the request, as written; null if it could not be read. */
  readonly id: string | null;
  /** What the standard puts into the `data` of the error, beside the decision. */
  readonly data: Readonly<Record<string, unknown>>;

  constructor(rpcCode: number, detail: string, id: string | null = null, data: Readonly<Record<string, unknown>> = {}) {
    super('bad-message', { detail });
    this.rpcCode = rpcCode;
    this.id = id;
    this.data = data;
  }
}
