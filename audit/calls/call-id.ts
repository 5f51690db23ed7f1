/** Identifiers of calls begin with their time (UUIDv7): 48 bits of milliseconds since the epoch. */
const TIME_DIGITS = 12;

/** The smallest identifier that a call of this moment, milliseconds since the epoch, can have. */
export function callIdAt(time: number): string {
  return `call_${Math.max(0, Math.floor(time)).toString(16).padStart(TIME_DIGITS, '0')}`;
}

/** The same as a whole identifier, which no call has. */
export function firstCallIdAt(time: number): string {
  return callIdAt(time).padEnd('call_'.length + 32, '0');
}

/** When the identifier was made, milliseconds since the epoch; null when it is none of ours. */
export function timeOfCallId(id: string): number | null {
  const digits = /^call_([0-9a-f]{12})[0-9a-f]{20}$/.exec(id)?.[1];
  return digits === undefined ? null : Number.parseInt(digits, 16);
}
