import type { Cost } from './cost.ts';
import type { Credential } from './credential.ts';
import type { RefusalShape } from './refusal-shape.ts';

/** A business system that agents call through the gateway. Durations are milliseconds, sizes are bytes. */
export type System = {
  readonly name: string;
  /** The system's URL. Its path, without a trailing slash, prefixes the call's path. */
  readonly upstream: URL;
  /** Certificates for connections to the upstream, in PEM. Without `ca`, the public authorities are trusted. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** The HTTP proxy through which connections to the upstream go. */
  readonly proxy?: URL;
  /** Host names (lowercase, without port) at which agents reach this system without a path prefix. */
  readonly hosts: readonly string[];
  /** Further places of the system, such as one for uploads. */
  readonly upstreamHosts?: readonly FurtherHost[];
  /** Where answers have URLs in JSON bodies: JSON pointers (RFC 6901), and names of members anywhere. */
  readonly links?: readonly string[];
  /** Where agents reach this system, if it has hosts or an address of its own: the URL at a proxy in front. */
  readonly publicUrl?: URL;
  /** Own `host:port`, for SDKs that can set neither a base path nor a Host header. */
  readonly listen?: string;
  /** The path below the system at which it speaks MCP over Streamable HTTP. */
  readonly mcp?: string;
  /** How the system reads paths. */
  readonly path?: PathRules;
  /** Calls whose body is content to store. Policy sees its size, and does not read it. */
  readonly uploads?: readonly Upload[];
  /** Names for operations: the text of an OpenAPI 3.0 or 3.1 document, parsed. */
  readonly openapi?: unknown;
  /** The system's own credential. Agents never see it. */
  readonly credential?: Credential;
  /** Where agents may send their Holdpoint token, besides `Authorization`. */
  readonly agentCredential: {
    readonly header: string;
    /** The name of a query parameter. */
    readonly query?: string;
    /** The beginning of the path, with the token at `{token}`. */
    readonly path?: string;
  };
  /** Headers, beyond those that `defaultRole` lists, that policy judges and that are sent. */
  readonly headers?: readonly string[];
  /** The system reads a POST with `X-HTTP-Method-Override: GET` and a form as a GET with that form as its query. */
  readonly methodOverride?: 'GET';
  /** The origins of pages that may call the system and read its answers, as browsers write them; `*` for all. */
  readonly cors?: { readonly origins: readonly string[] };
  /** Whether cookies pass, in both directions; dropped when absent. */
  readonly cookies?: 'drop' | 'pass';
  /** The shape of refusals that the SDK of the system reads; `problem` when absent. */
  readonly refusals?: RefusalShape;
  /** How long a held request stays open. */
  readonly wait: number;
  readonly bodyLimit: number;
  /** Most bytes of the head of an answer. */
  readonly answerHeadLimit?: number;
  /** Most fields of a form or query that the system reads. */
  readonly formFields: number;
  /** The longest wait for the upstream's response headers, and the longest pause in its body. */
  readonly timeout: number;
  /** Operations with a time of their own. The first entry that names one counts; `*` stands for any text. */
  readonly timeouts?: readonly { readonly operations: readonly string[]; readonly timeout: number }[];
  /** The most connections from one worker to the upstream. */
  readonly connections: number;
  /**
   * The system executes a call once per `Idempotency-Key`. A call of unknown outcome may be sent again with its key.
   */
  readonly idempotent: boolean;
  /** How to read calls of unknown outcome back, to learn whether they were executed. The first for an operation counts. */
  readonly readBack?: readonly ReadBack[];
  /** What calls cost. For each kind of entry, the first that matches the operation counts. */
  readonly costs?: readonly CostEntry[];
};

/** A further place of a system, with or without a path. */
export type FurtherHost = {
  readonly url: URL;
  /** The HTTP proxy through which connections to it go. */
  readonly proxy?: URL;
  /**
   * Its URLs are credentials themselves, so calls carry no other one. Links to it carry a pass for so many milliseconds,
   * as clients follow them without a token.
   */
  readonly linkPass?: number;
};

/** How a system reads what servers read in different ways. Policy judges every reading of what is not declared. */
export type PathRules = {
  /** `data`: splits the path, then decodes each segment. `separator`: decodes the path, then splits it. */
  readonly encodedSlash?: 'data' | 'separator';
  /** Whether `/Refunds` is another resource than `/refunds`. */
  readonly case?: 'sensitive' | 'insensitive';
  /** Whether `/a//b` has three segments, or the two of `/a/b`. */
  readonly emptySegments?: 'keep' | 'merge';
};

/** Calls whose body is content to store, such as the bytes of an object, and tells the system nothing. */
export type Upload = {
  readonly method: string;
  /** The names in the path; null stands for any. */
  readonly segments: readonly (string | null)[];
  /** Whether one or more names follow. */
  readonly hasRest: boolean;
  /** The only query parameters that such a call may have; null for any. */
  readonly query: readonly string[] | null;
};

/** What some operations cost. */
export type CostEntry = {
  /** Absent: all operations. */
  readonly operations?: readonly string[];
  readonly unit: Cost['unit'];
} & (
  | {
      /** Where the answer states the quantity: a JSON pointer (RFC 6901) into its body, or a header in lower case. */
      readonly from: { readonly answer: string } | { readonly header: string };
      /** The price of one item, in `unit`. */
      readonly price: number;
    }
  /** The same for every call. */
  | { readonly amount: number }
);

/** A GET that the gateway makes with the system's credential. */
export type ReadBack = {
  /** Absent: all operations. */
  readonly operations?: readonly string[];
  /**
   * Path and query below the system. `{idempotency_key}` stands for the key with which the call was sent, `{path}` for its
   * path.
   */
  readonly path: string;
  /** Statuses that mean "executed" and "not executed". Any other status proves nothing. */
  readonly executed: readonly number[];
  readonly notExecuted: readonly number[];
};
