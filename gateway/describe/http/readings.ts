/**
 * The ways in which systems may read one part of a call, the usual one first. Policy judges the call in each, and the
 * strictest verdict wins.
 */
export type Readings<T> = readonly [T, ...T[]];
