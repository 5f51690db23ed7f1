import type { Cost } from './cost.ts';

/** A business system behind the gateway. Durations are milliseconds, sizes bytes. */
export type System = {
  readonly name: string;
  /** Where calls go. Its path, without a trailing slash, is put before the call's own. */
  readonly upstream: URL;
  /** Host names (lowercase, without port) under which agents reach this system without a path prefix. */
  readonly hosts: readonly string[];
  /** Own `host:port` for SDKs that know neither base path nor Host header. */
  readonly listen?: string;
  /** Names for operations: the text of an OpenAPI 3.0 or 3.1 document, parsed. */
  readonly openapi?: unknown;
  /** The header that carries the upstream's own credential. Agents never see it. */
  readonly credential?: { readonly header: string; readonly value: string };
  /** The header in which agents of this system send their Holdpoint token, beside `Authorization: Bearer`. */
  readonly agentCredential: { readonly header: string };
  /** Longest that a held caller is kept waiting. */
  readonly wait: number;
  readonly bodyLimit: number;
  /** Longest wait for the upstream's response headers, and for each pause in its body. */
  readonly timeout: number;
  /** Most connections to the upstream from one worker. */
  readonly connections: number;
  /** The system does a call with a known `Idempotency-Key` once: one of unknown outcome may be sent again under its key. */
  readonly idempotent: boolean;
  /** How to find out whether a call of unknown outcome was executed: by reading it back. */
  readonly readBack?: ReadBack;
  /** What calls cost; of each kind of entry the first that is for the operation counts. */
  readonly costs?: readonly CostEntry[];
};

/** What some operations cost. */
export type CostEntry = {
  /** Absent: all operations. */
  readonly operations?: readonly string[];
  readonly unit: Cost['unit'];
} & (
  | {
      /** Where the answer says how much: a JSON pointer (RFC 6901) into its body, or a header in lower case. */
      readonly from: { readonly answer: string } | { readonly header: string };
      /** Of one of what the answer counts, in `unit`. */
      readonly price: number;
    }
  /** The same for every call. */
  | { readonly amount: number }
);

/** A GET that the gateway makes with the system's credential. */
export type ReadBack = {
  /** Path and query below the system; `{idempotency_key}` in it stands for the key that the call went out with. */
  readonly path: string;
  /** Statuses that mean that the call was executed, and that it was not. Any other means nothing. */
  readonly executed: readonly number[];
  readonly notExecuted: readonly number[];
};
