import { hash } from 'node:crypto';
import { bodyOf, haveOneBody } from '../domain/policy-input.ts';
import type { HeldCall } from '../domain/hold.ts';
import { canonicalJson, isList, isObject, type ExactJson } from '../json/exact-json.ts';

/** Longest input whose shape is told, in characters. Nobody decides on a hundred larger calls at once. */
const LONGEST = 64 * 1024;

/**
 * SHA-256 (lowercase hex) over the names of a call's parameters and members, and the types of their values. Calls with
 * one shape differ in values alone.
 * @returns null where people could not compare the values: policy cannot read the body in one way, or it is long
 */
export function bodyShape({ target, body, input, otherReadings = [] }: HeldCall): string | null {
  if (input.length > LONGEST || !haveOneBody([input, ...otherReadings])) return null;
  const seen = bodyOf(input);
  if (seen === undefined && body.length > 0) return null;
  const query = target.includes('?') ? target.slice(target.indexOf('?')) : '';
  const parameters = [...new Set(new URLSearchParams(query).keys())].toSorted();
  return hash('sha256', canonicalJson({ parameters, body: seen === undefined ? null : shapeOf(seen) }));
}

function shapeOf(value: ExactJson): ExactJson {
  if (value === null) return 'null';
  // However many elements a list has, it has as many shapes as there are different ones.
  if (isList(value)) return [...new Set(value.map((each) => canonicalJson(shapeOf(each))))].toSorted();
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shapeOf(each)]));
  return typeof value === 'string' || typeof value === 'boolean' ? typeof value : 'number';
}
