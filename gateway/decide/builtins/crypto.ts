import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type Builtins, ofText } from './builtin.ts';

export const cryptoBuiltins: Builtins = {
  'crypto.md5': ofText((text) => hash('md5', text!)),
  'crypto.sha1': ofText((text) => hash('sha1', text!)),
  'crypto.sha256': ofText((text) => hash('sha256', text!)),
  'crypto.hmac.md5': ofText((text, key) => hmac('md5', text!, key!)),
  'crypto.hmac.sha1': ofText((text, key) => hmac('sha1', text!, key!)),
  'crypto.hmac.sha256': ofText((text, key) => hmac('sha256', text!, key!)),
  'crypto.hmac.sha512': ofText((text, key) => hmac('sha512', text!, key!)),
  'crypto.hmac.equal': ofText((a, b) => {
    const [one, other] = [Buffer.from(a!), Buffer.from(b!)];
    return one.length === other.length && timingSafeEqual(one, other);
  }),
};

function hash(algorithm: string, text: string): string {
  return createHash(algorithm).update(text).digest('hex');
}

function hmac(algorithm: string, text: string, key: string): string {
  return createHmac(algorithm, key).update(text).digest('hex');
}
