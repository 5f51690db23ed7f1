/** Milliseconds since the epoch. Injected wherever time decides something, so that tests can hold it still. */
export type Clock = () => number;
