import type { Clock } from '../domain/clock.ts';
import type { Builtins } from './builtins/builtin.ts';
import { cidrBuiltins } from './builtins/cidr.ts';
import { cryptoBuiltins } from './builtins/crypto.ts';
import { encodingBuiltins } from './builtins/encoding.ts';
import { jsonBuiltins } from './builtins/json.ts';
import { jwtBuiltins } from './builtins/jwt.ts';
import { numberBuiltins } from './builtins/numbers.ts';
import { objectBuiltins } from './builtins/objects.ts';
import { regexBuiltins } from './builtins/regex.ts';
import { semverBuiltins } from './builtins/semver.ts';
import { stringBuiltins } from './builtins/strings.ts';
import { createTimeBuiltins } from './builtins/time.ts';
import { unitBuiltins } from './builtins/units.ts';
import { uuidBuiltins } from './builtins/uuid.ts';

/**
 * Built-ins whose result depends on the moment. Without them, a decision follows from the input alone and may be
 * remembered.
 */
export const MOMENTARY_BUILTINS: readonly string[] = ['time.now_ns'];

/**
 * OPA built-ins that its WASM modules lack, or have and do otherwise than OPA. All are pure: no I/O, no chance, no key
 * that signs. `policies/capabilities.json` lists them, and OPA's own compliance cases compare them.
 */
export function createBuiltins(now: Clock): Builtins {
  return {
    ...cidrBuiltins,
    ...cryptoBuiltins,
    ...encodingBuiltins,
    ...jsonBuiltins,
    ...jwtBuiltins,
    ...numberBuiltins,
    ...objectBuiltins,
    ...regexBuiltins,
    ...semverBuiltins,
    ...stringBuiltins,
    ...unitBuiltins,
    ...uuidBuiltins,
    ...createTimeBuiltins(now),
  };
}

/** Functions of OPA's WASM runtime that differ from OPA, and the built-in that takes their place. */
export const REPLACED: Readonly<Record<string, string>> = {
  opa_cidr_contains: 'net.cidr_contains',
  opa_cidr_intersects: 'net.cidr_intersects',
  opa_json_marshal: 'json.marshal',
  opa_json_unmarshal: 'json.unmarshal',
  opa_numbers_range: 'numbers.range',
  opa_strings_concat: 'concat',
  opa_strings_format_int: 'format_int',
  opa_to_number: 'to_number',
};

/**
 * The built-ins that a module needs and the gateway lacks. Such a module would fail only when a call reaches one, so it
 * is refused as a whole.
 */
export function missingBuiltins(required: readonly string[], provided: Builtins): string[] {
  return required.filter((name) => !(name in provided)).sort();
}
