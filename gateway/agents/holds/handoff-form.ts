import { hash } from 'node:crypto';
import { z } from 'zod';
import { parseExactly } from '../../json/exact-json.ts';
import type { Artifact, Handoff, Recipient } from '../../domain/handoff.ts';
import type { HoldClaims } from '../../domain/hold.ts';
import { Problem } from '../../domain/problem.ts';
import { duration } from '../../domain/units.ts';

/** Bytes of the form as JSON, without artifacts. */
export const FORM_LIMIT = 64 * 1024;
export const MOST_ARTIFACTS = 16;
/** Bytes of all artifacts together, decoded. */
export const ARTIFACTS_LIMIT = 4 * 2 ** 20;
/** Bytes of the largest request within those limits, with base64 and JSON. */
export const REQUEST_LIMIT = 6 * 2 ** 20;

const EXPIRES_IN = 24 * 3_600_000;
const LONGEST = 7 * 24 * 3_600_000;

/** A handoff, read and checked. */
export type HandoffRequest = {
  readonly kind: 'exception' | 'relay';
  readonly to: Recipient | null;
  readonly form: Handoff;
  readonly claims: HoldClaims;
  readonly artifacts: readonly Artifact[];
  /** Milliseconds. */
  readonly expiresIn: number;
};

/** The possible recipients of a handoff. */
export type Recipients = {
  readonly groups: ReadonlySet<string>;
  readonly people: ReadonlySet<string>;
  readonly agents: ReadonlySet<string>;
};

const text = z.string();
const name = z
  .string()
  .min(1)
  .max(200)
  // Path traversal: saving the file must not leave the folder. Spoofing: control characters could display another name.
  .regex(/^[^/\\\p{C}]+$/u, { error: 'expected a plain file name, without a path or control characters' })
  .refine((value) => value !== '.' && value !== '..', { error: 'expected a plain file name' });

const schema = z.looseObject({
  kind: z.enum(['exception', 'relay']).optional(),
  to: z
    .union([z.strictObject({ group: text }), z.strictObject({ person: text }), z.strictObject({ agent: text })], {
      error: 'expected one of {"group": …}, {"person": …} and {"agent": …}',
    })
    .optional(),
  artifacts: z
    .array(
      z.strictObject({
        name,
        type: z
          .string()
          .max(200)
          .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(;[\x20-\x7e]*)?$/, {
            error: 'expected a media type, such as text/csv',
          }),
        content: z.string({ error: 'expected base64' }),
        sha256: z
          .string()
          .regex(/^[0-9a-f]{64}$/, { error: 'expected lowercase hex' })
          .optional(),
      }),
    )
    .default([]),
  expires_in: duration.refine((ms) => ms > 0 && ms <= LONGEST, { error: 'expected at most 7d' }).default(EXPIRES_IN),
  task: text.optional(),
  client: text.optional(),
  summary: text.optional(),
  confidence: z.number().min(0).max(1).optional(),
  flags: z.array(text).optional(),
  recommended_action: text.optional(),
  options: z.array(z.unknown()).optional(),
});

/**
 * Reads the body of `POST /-/holds`. The form keeps every member and digit.
 * @throws Problem `bad-handoff`, which names the wrong member, or `handoff-too-large`
 */
export function readHandoff(body: Buffer, recipients: Recipients): HandoffRequest {
  const json = body.toString('utf8');
  const parsed = schema.safeParse(parse(json, JSON.parse));
  if (!parsed.success) throw wrong(explain(parsed.error));
  const { to = null, expires_in: expiresIn, task = null, confidence = null, flags = [] } = parsed.data;
  const artifacts = readArtifacts(parsed.data.artifacts);

  const kind = parsed.data.kind ?? (artifacts.length > 0 || (to && 'agent' in to) ? 'relay' : 'exception');
  if (to) assertKnown(to, recipients);
  if (to && 'agent' in to && kind === 'exception') throw wrong('to: only people answer an exception');

  const { kind: _, to: __, artifacts: ___, expires_in: ____, ...form } = parse(json, parseExactly) as Handoff;
  const size = Buffer.byteLength(JSON.stringify(form));
  if (size > FORM_LIMIT) throw tooLarge(`The form has ${size} bytes. Send at most ${FORM_LIMIT}.`);
  const claims = { session: null, task, confidence, flags, reversible: null };
  return { kind, to, form, claims, artifacts, expiresIn };
}

function readArtifacts(sent: z.infer<typeof schema>['artifacts']): Artifact[] {
  if (sent.length > MOST_ARTIFACTS) throw tooLarge(`Send at most ${MOST_ARTIFACTS} artifacts.`);
  const names = new Set<string>();
  let total = 0;
  return sent.map(({ name, type, content: encoded, sha256: claimed }, index) => {
    const at = `artifacts.${index}`;
    // A file system may treat these names as one, and one artifact would overwrite the other.
    const folded = name.normalize('NFC').toLowerCase();
    if (names.has(folded)) throw wrong(`${at}.name: another artifact has this name`);
    names.add(folded);
    const content = Buffer.from(encoded, 'base64');
    if (content.toString('base64') !== encoded) throw wrong(`${at}.content: expected base64 (RFC 4648) with padding`);
    total += content.length;
    if (total > ARTIFACTS_LIMIT) throw tooLarge(`Send artifacts of at most ${ARTIFACTS_LIMIT} bytes in all.`);
    const sha256 = hash('sha256', content, 'hex');
    if (claimed !== undefined && claimed !== sha256) throw wrong(`${at}.sha256: the content's hash is ${sha256}`);
    return { name, type, bytes: content.length, sha256, content };
  });
}

function assertKnown(to: Recipient, { groups, people, agents }: Recipients): void {
  if ('group' in to && !groups.has(to.group)) throw wrong(`to.group: no reviewer is in the group ${to.group}`);
  if ('person' in to && !people.has(to.person)) throw wrong(`to.person: there is no reviewer ${to.person}`);
  if ('agent' in to && !agents.has(to.agent)) throw wrong(`to.agent: there is no agent ${to.agent}`);
}

function parse(json: string, read: (text: string) => unknown): unknown {
  try {
    return read(json);
  } catch {
    // JSON nested so deeply that parsing overflows the stack also ends here.
    throw wrong('the body is not JSON');
  }
}

function explain(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue ? `${issue.path.map(String).join('.') || 'the body'}: ${issue.message}` : 'unreadable';
}

function wrong(what: string): Problem {
  return new Problem('bad-handoff', { detail: `${what}. Nothing was opened; correct it and send it again.` });
}

function tooLarge(detail: string): Problem {
  return new Problem('handoff-too-large', { detail });
}
