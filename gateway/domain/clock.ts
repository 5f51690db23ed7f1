/** Milliseconds since the epoch. Injected wherever a decision depends on time, so that tests can set it. */
export type Clock = () => number;
