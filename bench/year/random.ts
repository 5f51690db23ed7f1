/** A seeded source of chance: the same seed gives the same year, byte for byte. */
export type Random = {
  /** From 0 up to, but without, 1. */
  next(): number;
  /** From 0 to `below - 1`. */
  whole(below: number): number;
  pick<T>(from: readonly T[]): T;
  /** `digits` lowercase hex digits, a multiple of four. */
  hex(digits: number): string;
  /** Log-normal: half of them are below `median`; one in six is above `median · e^spread`. */
  around(median: number, spread: number): number;
};

const HEX = Array.from({ length: 65_536 }, (_, n) => n.toString(16).padStart(4, '0'));

/** sfc32 (Chris Doty-Humphrey, PractRand): small, fast, and good enough for anything but secrets. */
export function createRandom(seed: number): Random {
  let a = 0;
  let b = seed | 0;
  let c = (seed / 2 ** 32) | 0;
  let counter = 1;
  let spare: number | null = null;

  function bits(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  }

  /** Box and Muller's pairs of normally distributed numbers. */
  function normal(): number {
    if (spare !== null) {
      const kept = spare;
      spare = null;
      return kept;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - next()));
    const angle = 2 * Math.PI * next();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  const next = (): number => bits() / 2 ** 32;
  const whole = (below: number): number => Math.floor(next() * below);
  for (let n = 0; n < 12; n += 1) bits();
  return {
    next,
    whole,
    pick: (from) => from[whole(from.length)]!,
    hex(digits) {
      let text = '';
      for (let n = 0; n < digits; n += 4) text += HEX[bits() >>> 16];
      return text;
    },
    around: (median, spread) => median * Math.exp(spread * normal()),
  };
}

/** Multiples of the golden ratio spread evenly over 0 to 1, so that shares come out right in small numbers too. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** As `Random.next`, but of any n in a row as many fall below a limit as should, give or take one or two. */
export function createEvenly(): () => number {
  let n = 0;
  return () => {
    n += 1;
    return (n * GOLDEN) % 1;
  };
}
