import { number } from '../rego-value.ts';
import { type Builtins, ofText } from './builtin.ts';

export const semverBuiltins: Builtins = {
  'semver.compare': ofText((a, b) => {
    const [one, other] = [parse(a!), parse(b!)];
    return one && other && number(compare(one, other));
  }),
  'semver.is_valid': (text) => typeof text === 'string' && parse(text) !== undefined,
};

type Version = { readonly numbers: readonly bigint[]; readonly preRelease: readonly string[] };

const IDENTIFIERS = /^[\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*$/;

/** A version as OPA reads it: a `v` in front is fine. */
function parse(text: string): Version | undefined {
  const [, version = '', metadata] = /^v?([^+]*)(?:\+([^]*))?$/.exec(text)!;
  if (metadata !== undefined && !IDENTIFIERS.test(metadata)) return undefined;
  const [, core = '', preRelease] = /^([^-]*)(?:-([^]*))?$/.exec(version)!;
  if (!/^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}$/.test(core)) return undefined;
  const numbers = core.split('.').map(BigInt);
  if (numbers.some((each) => each >= 2n ** 63n)) return undefined;
  if (preRelease === undefined) return { numbers, preRelease: [] };
  const identifiers = preRelease.split('.');
  if (!IDENTIFIERS.test(preRelease) || identifiers.some((each) => /^0\d+$/.test(each))) return undefined;
  return { numbers, preRelease: identifiers };
}

function compare(a: Version, b: Version): number {
  for (const [index, each] of a.numbers.entries()) {
    const other = b.numbers[index]!;
    if (each !== other) return each < other ? -1 : 1;
  }
  if (a.preRelease.length === 0 || b.preRelease.length === 0)
    return Math.sign(b.preRelease.length - a.preRelease.length);
  for (let index = 0; ; index++) {
    const [one, other] = [a.preRelease[index], b.preRelease[index]];
    if (one === undefined || other === undefined) return Math.sign(a.preRelease.length - b.preRelease.length);
    const order = compareIdentifiers(one, other);
    if (order !== 0) return order;
  }
}

/** Numbers by value and before words; words by their bytes. */
function compareIdentifiers(a: string, b: string): number {
  const [one, other] = [a, b].map((each) => (/^\d+$/.test(each) ? BigInt(each) : null)) as [
    bigint | null,
    bigint | null,
  ];
  if (one !== null && other !== null) return one === other ? 0 : one < other ? -1 : 1;
  if (one !== null || other !== null) return one !== null ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}
