import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { versionOf } from './child.ts';

/** Files in PEM. The certificate is its own authority. */
export type Certificate = { readonly certificate: string; readonly key: string };

/** A certificate for localhost, made anew, since a key that lies in a repository protects nothing; null without `openssl`. */
export function createCertificate(folder: string): Certificate | null {
  if (versionOf('openssl', 'version') === null) return null;
  const found = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
  const [kind, curve] = ['-newkey ec -nodes -x509 -days 2', '-pkeyopt ec_paramgen_curve:prime256v1'];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const files = ['-keyout', found.key, '-out', found.certificate];
  execFileSync('openssl', ['req', ...kind.split(' '), ...curve.split(' '), ...subject, ...files], { stdio: 'pipe' });
  return found;
}
