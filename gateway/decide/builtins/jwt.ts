import { createHmac, timingSafeEqual } from 'node:crypto';
import { RegoObject, type RegoValue } from '../rego-value.ts';
import { type Builtins, ofText } from './builtin.ts';
import { readJson } from './json.ts';

export const jwtBuiltins: Builtins = {
  /** Decodes without verifying. */
  'io.jwt.decode': ofText((token) => decode(token!)),
  'io.jwt.verify_hs256': ofText((token, secret) => isSigned('sha256', token!, secret!)),
  'io.jwt.verify_hs384': ofText((token, secret) => isSigned('sha384', token!, secret!)),
  'io.jwt.verify_hs512': ofText((token, secret) => isSigned('sha512', token!, secret!)),
};

function decode(token: string): RegoValue | undefined {
  const parts = token.split('.');
  const [header, payload, signature] = parts.map(decodePart);
  if (parts.length !== 3 || !header || !payload || !signature) return undefined;
  const head = readJson(header.toString());
  // An encrypted token (JWE) has `enc`.
  if (!(head instanceof RegoObject) || head.get('enc') !== undefined) return undefined;
  const type = head.get('cty');
  if (type !== undefined && typeof type !== 'string') return undefined;
  // A token in a token, as RFC 7519 nests them.
  if (type === 'JWT') return decode(payload.toString().replace(/^["']+|["']+$/g, ''));
  const claims = readJson(payload.toString());
  return claims instanceof RegoObject ? [head, claims, signature.toString('hex')] : undefined;
}

function isSigned(hash: string, token: string, secret: string): boolean | undefined {
  const parts = token.split('.');
  const signature = parts.length === 3 ? decodePart(parts[2]!) : undefined;
  if (!signature || !decode(token)) return undefined;
  const expected = createHmac(hash, secret).update(`${parts[0]}.${parts[1]}`).digest();
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}

function decodePart(text: string): Buffer | undefined {
  return /^[\w-]*={0,2}$/.test(text) ? Buffer.from(text, 'base64url') : undefined;
}
