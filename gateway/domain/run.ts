/** Runs of gateways on one store, so that others can tell which of them died. */
export type RunStore = {
  /** This run is alive. */
  beat(run: string): Promise<void>;
  /** Runs that were alive lately. */
  live(): Promise<string[]>;
};
