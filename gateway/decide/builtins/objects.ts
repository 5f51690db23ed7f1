import { isArray, isEqual, RegoObject, RegoSet, type RegoValue } from '../rego-value.ts';
import type { Builtins } from './builtin.ts';

export const objectBuiltins: Builtins = {
  'object.subset': (whole, part) => (whole === undefined || part === undefined ? undefined : isSubset(whole, part)),
};

/** Undefined when the two are of different types, an array and a set aside. */
function isSubset(whole: RegoValue, part: RegoValue): boolean | undefined {
  if (whole instanceof RegoObject && part instanceof RegoObject)
    return part.members.every(([name, value]) => {
      const found = whole.get(name);
      return found !== undefined && (isEqual(found, value) || isSubsetWithin(found, value));
    });
  if (whole instanceof RegoSet && part instanceof RegoSet)
    return part.elements.every((each) => whole.elements.some((other) => isEqual(each, other)));
  if (isArray(whole) && isArray(part)) return isRun(whole, part);
  if (isArray(whole) && part instanceof RegoSet) return countsTo(whole, part);
  return undefined;
}

function isSubsetWithin(whole: RegoValue, part: RegoValue): boolean {
  return !(isArray(whole) && part instanceof RegoSet) && isSubset(whole, part) === true;
}

/** Whether the part stands in the whole, one after another. After a failed start OPA goes on past it, as here. */
function isRun(whole: readonly RegoValue[], part: readonly RegoValue[]): boolean {
  return (
    whole.some((_, start) =>
      part.every((each, index) => {
        const other = whole[start + index];
        return other !== undefined && isEqual(each, other);
      }),
    ) || part.length === 0
  );
}

/** As OPA counts: an element of the array that stands there twice counts twice. */
function countsTo(whole: readonly RegoValue[], part: RegoSet): boolean {
  let missing = part.elements.length;
  return whole.some((each) => {
    if (part.elements.some((other) => isEqual(each, other))) missing--;
    return missing === 0;
  });
}
