import type { UpstreamSink } from '../domain/upstream-sink.ts';
import { MASK } from '../secrets/secret.ts';
import { RewritableAnswer, type BodyRewriter, type RewriteHead } from './rewritable-answer.ts';

/** Largest error body that is searched. */
const LARGEST_ERROR = 64 * 1024;
/** A shorter credential would be found in every other word. */
const SHORTEST = 6;

/**
 * Masks a system's credential in its answers: systems echo the headers of requests, in error bodies above all, and
 * agents must never see it.
 * @param values of the headers or parameters that carry it
 */
export function createCredentialMask(values: readonly string[]): (answer: UpstreamSink) => UpstreamSink {
  const spellings = [...new Set(values.flatMap(secretsIn).flatMap(spellingsOf))]
    // The longest first: one may contain another.
    .toSorted((a, b) => b.length - a.length);
  if (spellings.length === 0) return (answer) => answer;
  const shortest = spellings.at(-1)!.length;
  const bytes = spellings.map((spelling) => Buffer.from(spelling, 'latin1'));

  const masked = (text: string) => spellings.reduce((rest, spelling) => rest.replaceAll(spelling, MASK), text);
  const errors = {
    limit: LARGEST_ERROR,
    rewrite(body, noted) {
      if (!bytes.some((spelling) => body.includes(spelling))) return body;
      noted.note('credential-masked');
      return Buffer.from(masked(body.toString('latin1')), 'latin1');
    },
  } satisfies BodyRewriter;

  const hasCredential = (value: string) => {
    for (const spelling of spellings) if (value.includes(spelling)) return true;
    return false;
  };

  const rewriteHead: RewriteHead<null> = (status, headers, noted) => {
    let isFound = false;
    for (let i = 1; i < headers.length; i += 2) {
      const value = headers[i]!;
      if (value.length < shortest || !hasCredential(value)) continue;
      headers[i] = masked(value);
      isFound = true;
    }
    if (isFound) noted.note('credential-masked');
    return status >= 400 ? errors : null;
  };
  return (answer) => new RewritableAnswer(answer, rewriteHead, null);
}

/** The secret parts of a value: all of it, or what follows a scheme, and of Basic (RFC 7617) the password. */
function secretsIn(value: string): string[] {
  const [, scheme = '', credentials = value] = /^([\w-]+) +(\S.*)$/.exec(value) ?? [];
  if (scheme.toLowerCase() !== 'basic') return [credentials];
  const [user = '', password = ''] = Buffer.from(credentials, 'base64').toString('utf8').split(/:(.*)/s, 2);
  // Some APIs take the key as the user, and no password.
  return [credentials, password || user];
}

/** As it is, percent-encoded, and in JSON. */
function spellingsOf(secret: string): string[] {
  if (secret.length < SHORTEST) return [];
  const json = JSON.stringify(secret).slice(1, -1);
  return [secret, encodeURIComponent(secret), json, json.replaceAll('/', '\\/')];
}
