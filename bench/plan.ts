/** One request, the same for every peer. `path` is below the system: peers with a prefix put it before. */
export type BenchRequest = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Sent in turn, `body` being the first, so that nothing that remembers a call makes the next ones look cheap. */
  readonly bodies?: readonly string[];
};

/** The requests of a scenario, and its peers. */
type Subject = {
  readonly name: string;
  readonly request: BenchRequest;
  /** Names of the peers that it is for; all when absent. */
  readonly peers?: readonly string[];
  /** The kind of upstream; `answer` when absent. */
  readonly upstream?: keyof Upstreams;
  /** How many systems the gateway has, each with rules of its own; one when absent. */
  readonly systems?: number;
  /** How many systems it has without rules of their own. */
  readonly routes?: number;
  /** The system that is called; payments when absent. */
  readonly system?: SystemName;
  /** The requests are messages of one MCP session, which is opened before they are sent. */
  readonly inSession?: boolean;
  /** The scenario with which this one is compared, peer by peer in the same round. */
  readonly beside?: string;
};

/** Systems for which the repository has rules. The warehouse speaks MCP, at `/mcp`. */
export type SystemName = 'payments' | 'warehouse';

/**
 * Closed: each connection sends as soon as it has its answer. Cancelled: so many callers each ask for a stream, leave as soon as
 * it begins, and ask for the next; its times are those to the first byte. Open: calls begin at a fixed rate, per second, whatever the
 * answers do. Half: the same at half of the rate that the peer reached in a closed scenario in the same round. Events:
 * so many streams are open, and the upstream sends so many events a second on each; a "call" then is an event.
 */
export type Scenario =
  | (Subject & { readonly kind: 'closed'; readonly connections: number })
  | (Subject & { readonly kind: 'cancelled'; readonly callers: number })
  | (Subject & {
      readonly kind: 'open';
      readonly rate: number;
      /** The peer's processes that handle no calls stand still while it is measured, as if they had cores of their own. */
      readonly alone?: true;
    })
  | (Subject & { readonly kind: 'half'; readonly of: string })
  | (Subject & { readonly kind: 'events'; readonly streams: number; readonly rate: number });

/** Where an upstream listens. */
export type Address = {
  /** `host:port` */
  readonly address: string;
  /** The file, in PEM, that its certificate is to be checked against; plain HTTP when absent. */
  readonly authority?: string;
};

/** The kinds of upstream: a fixed answer in the clear or over TLS, or a stream of events. */
export type Upstreams = { readonly answer: Address; readonly tls: Address | null; readonly events: Address };

/** What a peer needs to start. */
export type Setting = {
  /** `host:port` of the upstream. */
  readonly upstream: string;
  /** Set if the upstream speaks TLS: the file, in PEM, against which its certificate is checked. */
  readonly authority?: string | undefined;
  /** How many systems there are, each with rules of its own; one when absent. */
  readonly systems?: number | undefined;
  /** How many further systems there are, without rules. */
  readonly routes?: number | undefined;
  /** Which system is called; payments when absent. */
  readonly system?: SystemName | undefined;
  /** The credential that every request carries; only gateways look at it. */
  readonly token: string;
  /** An empty folder for configuration and state, removed afterwards. */
  readonly folder: string;
};

/** Memory of one of a peer's processes. */
export type Resident = { readonly process: string; readonly mebibytes: number };

export type RunningPeer = {
  /** Scheme, host, port and the prefix under which the upstream's paths are found. */
  readonly base: string;
  /** The process that handles the calls: the one on the measured core. Null for the upstream itself. */
  readonly pid: number | null;
  /** Other processes on the measured core that serve calls, such as a policy server. */
  readonly helpers?: readonly number[];
  /** The peer's processes that handle no calls and share the load's core. */
  elsewhere?(): readonly number[];
  /** Every process of the peer, by name. */
  residents(): Resident[];
  stop(): Promise<void>;
};

export type Peer = {
  readonly name: string;
  /** The version that will run, or null when it is not installed here. */
  version(): string | null | Promise<string | null>;
  start(setting: Setting): Promise<RunningPeer>;
};

/** Results of a load generator. Latencies are milliseconds. */
export type Load = {
  readonly calls: number;
  readonly seconds: number;
  /** Answers other than 2xx, and broken or timed-out connections. */
  readonly failures: number;
  readonly p50: number;
  /** Open loop only. */
  readonly p90?: number;
  readonly p99: number;
  /** Open loop only: how late the generator itself began a call, at worst and in 90 of 100 cases at most. */
  readonly lateness?: number;
  readonly lateness90?: number;
  /** Closed loop only: share of the load's core in use, by any process; null if unknown. */
  readonly coreBusy?: number | null;
  /** Why the load generator, not the peer, was the limit; null or absent when it was not. */
  readonly saturated?: string | null;
};

/** One peer under one scenario in one round. */
export type Sample = Load & {
  readonly round: number;
  readonly scenario: string;
  readonly peer: string;
  /** Calls per second. */
  readonly rate: number;
  /**
   * CPU of the peer's processes on the measured core, microseconds for each call; null for the upstream itself and where
   * /proc is missing.
   */
  readonly cpuMicros: number | null;
  /** The same of its processes on the load's core; null where it has none. */
  readonly elsewhereMicros: number | null;
  /** Share of that core which they used: well under 1 means that the load, not the peer, set the rate. */
  readonly busy: number | null;
  readonly residents: readonly Resident[];
};
