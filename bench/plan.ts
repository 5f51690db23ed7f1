/** One request, the same for every peer. `path` is below the system: peers with a prefix put it before. */
export type BenchRequest = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** Closed: each connection sends as soon as it has its answer. Open: calls begin at a fixed rate whatever the answers do. */
export type Scenario =
  | { readonly name: string; readonly kind: 'closed'; readonly connections: number; readonly request: BenchRequest }
  | { readonly name: string; readonly kind: 'open'; readonly rate: number; readonly request: BenchRequest };

/** What a peer is given to start with. */
export type Setting = {
  /** `host:port` of the fixed-answer server that every peer stands before. */
  readonly upstream: string;
  /** The credential that every request carries; only Holdpoint looks at it. */
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
  /** Every process of the peer, by name. */
  residents(): Resident[];
  stop(): Promise<void>;
};

export type Peer = {
  readonly name: string;
  /** The version that will run, or null when it is not installed here. */
  version(): string | null;
  start(setting: Setting): Promise<RunningPeer>;
};

/** What a load generator found. Latencies are milliseconds. */
export type Load = {
  readonly calls: number;
  readonly seconds: number;
  /** Answers other than 2xx, and broken or timed-out connections. */
  readonly failures: number;
  readonly p50: number;
  readonly p99: number;
  /** Open loop only: how late, at worst, the generator itself began a call. */
  readonly lateness?: number;
};

/** One peer under one scenario in one round. */
export type Sample = Load & {
  readonly round: number;
  readonly scenario: string;
  readonly peer: string;
  /** Calls per second. */
  readonly rate: number;
  /** CPU of the peer's process, microseconds for each call; null for the upstream itself and where /proc is missing. */
  readonly cpuMicros: number | null;
  /** Share of a core that the peer's process used: well under 1 means that the load, not the peer, set the rate. */
  readonly busy: number | null;
  readonly residents: readonly Resident[];
};
