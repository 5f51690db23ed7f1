/** All of ASCII, and what of it is no letter: in two parts, since each has halves of its own. */
const ANY = range(0, 0x7f);
const LOW_MARKS = range(0x20, 0x3f);
const HIGH_MARKS = '[\\]^_|~';

/**
 * Three bytes that follow each other in everything that `mayHoldSecret` may find in a string, for a look at many bytes at
 * once (after Teddy, in Intel's Hyperscan). A string without any of these signs contains no secret that this folder knows. One
 * with a sign is looked at by `mayHoldSecret`. Names of members are not looked at by signs.
 */
const SIGNS: readonly (readonly [first: string, second: string, third: string])[] = [
  // Parts of names, in either case. What follows them does not matter here.
  ...anyCase([
    ['to', 'o', 'k'], // token, cookie
    ['cpj', 'vw', ANY], // cvc, pwd, jwt
    ['s', 's', LOW_MARKS], // pass word
    ['s', 's', HIGH_MARKS], // pass_word
    ['s', 's', 'wp@`'], // password, passphrase
    ['pteson', 'ietsgnhrd', 'k'], // apikey, privatekey, secretkey, accesskey, signingkey, …
    [ANY, LOW_MARKS, 'k'], // api key
    [ANY, HIGH_MARKS, 'k'], // api_key
    [ANY, '@`', 'k'],
    ['cu', 'rt', 'eh'], // secret, credential, authorization
    ['o', 't', 'p'],
    ['p', 'i', 'n'],
    ['c', 'o', 'd'], // security code
    ['b', 'ea', 'as'], // Bearer, Basic
  ]),
  // Prefixes of tokens.
  ['hsr', 'pk', '_-'],
  ['epta', 'cpmnt', '_-'],
  ['h', 'pousr', '_-'],
  ['x', 'abcdefghijklmnopqrstuvwxyz', '_-'],
  ['acs', 'ats', '_-'],
  ['-', '-', '-'],
  ['AeSy', 'KSITyGa', 'IzAJ.2'],
  ['k', 's', '.'],
  // URLs, which may have a password.
  [':', '/\\', ANY],
  // Escapes that JSON never needs.
  ['\\', 'u', '0'],
];

/** Groups of signs, and signs in a group. */
const GROUPS = 3;
const IN_GROUP = 8;
/** Tables of a group: by the low and by the high half of the first, second and third byte. */
const TABLES = 6;
const HALF = 16;

/**
 * The signs as tables for the scanner, group after group. A byte may stand in a place of a sign if the sign's bit is set in the
 * tables of both its halves: more bytes than the sign names, never fewer.
 */
export function signTables(): Uint8Array {
  if (SIGNS.length > GROUPS * IN_GROUP) throw new Error('the scanner has no room for so many signs');
  const tables = new Uint8Array(GROUPS * TABLES * HALF);
  for (const [index, sign] of SIGNS.entries()) {
    const group = Math.floor(index / IN_GROUP) * TABLES * HALF;
    const bit = 1 << (index % IN_GROUP);
    for (const [place, bytes] of sign.entries())
      for (const byte of Buffer.from(bytes)) {
        const table = group + place * 2 * HALF;
        tables[table + (byte & 15)]! |= bit;
        tables[table + HALF + (byte >> 4)]! |= bit;
      }
  }
  return tables;
}

function anyCase(signs: readonly [string, string, string][]): [string, string, string][] {
  const both = (text: string) => text.toLowerCase() + text.toUpperCase();
  return signs.map(([first, second, third]) => [both(first), both(second), both(third)]);
}

function range(from: number, to: number): string {
  return String.fromCharCode(...Array.from({ length: to - from + 1 }, (_, i) => from + i));
}
