import { createHash } from 'node:crypto';
import { z } from 'zod';

/** Where a rule stands in its author's sources. */
export type RuleSource = {
  /** The package, such as `rules.payments`. */
  readonly package: string;
  /** What it gives: a verdict on a call, or a finding about the answer. */
  readonly verdict: 'allow' | 'hold' | 'block' | 'drift';
  /** Null when the rule's name is computed. */
  readonly rule: string | null;
  /** Relative to the policy folder. */
  readonly file: string;
  readonly line: number;
};

/**
 * What is looked at below a place of the input: anything (`true`), or only these members. Of a member without members
 * only whether and as what it exists, which for whatever is no object is its value.
 */
export type ReadTree = true | { readonly [member: string]: ReadTree };

/** What a decision can depend on in its input: whatever stands elsewhere changes nothing. */
export type Reads = {
  /** In calls to systems that are not in `systems`. */
  readonly others: ReadTree;
  readonly systems: { readonly [system: string]: ReadTree };
};

export const READS_ANYTHING: Reads = { others: true, systems: {} };

/** A compiled policy: everything that a decision depends on beside its input. */
export type Bundle = {
  /** SHA-256 (hex) over the module, its data and what it reads. */
  readonly revision: string;
  readonly wasm: Uint8Array;
  /** JSON text exactly as it was compiled, so that no number is rounded on the way. */
  readonly data: string;
  /** Follows from the sources, but not from the module alone: so its contents are part of the revision. */
  readonly reads: Reads;
  /** SHA-256 (hex) over the sources, to know whether they changed. Not part of what decides. */
  readonly sources: string;
  /** The version of OPA that compiled it. */
  readonly opa: string;
  readonly rules: readonly RuleSource[];
  /** Whether it asks how much was used: `input.usage` is counted and put together only then. */
  readonly readsUsage: boolean;
};

/** The name of what a bundle decides: changes exactly when the module, its data or what it is shown of an input do. */
export function bundleRevision({ wasm, data, reads }: Pick<Bundle, 'wasm' | 'data' | 'reads'>): string {
  const shown = JSON.stringify(reads);
  // The lengths keep bytes from moving from one to the other unnoticed.
  const hash = createHash('sha256').update(`${wasm.byteLength} ${shown.length}\n`);
  return hash.update(wasm).update(shown).update(data).digest('hex');
}

// Not a `z.record`, which leaves out a member named `__proto__`.
const readTree = z.custom<ReadTree>(isReadTree);
const readTrees = z.custom<Reads['systems']>((value) => value !== true && isReadTree(value));

const file = z.strictObject({
  revision: z.string(),
  sources: z.string(),
  opa: z.string(),
  rules: z.array(
    z.strictObject({
      package: z.string(),
      verdict: z.enum(['allow', 'hold', 'block', 'drift']),
      rule: z.string().nullable(),
      file: z.string(),
      line: z.number(),
    }),
  ),
  readsUsage: z.boolean(),
  reads: z.strictObject({ others: readTree, systems: readTrees }),
  data: z.string(),
  wasm: z.base64(),
});

function isReadTree(value: unknown): boolean {
  if (value === true) return true;
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isReadTree);
}

/** A bundle as one file of JSON text, byte for byte the same for the same bundle. */
export function encodeBundle(bundle: Bundle): string {
  const { revision, sources, opa, rules, readsUsage, reads, data, wasm } = bundle;
  const encoded: z.infer<typeof file> = {
    revision,
    sources,
    opa,
    rules: [...rules],
    readsUsage,
    reads,
    data,
    wasm: Buffer.from(wasm).toString('base64'),
  };
  return `${JSON.stringify(encoded, null, 2)}\n`;
}

/**
 * Reads what `encodeBundle` wrote.
 * @throws Error when the text is no bundle, or its contents are not those that its revision names.
 */
export function decodeBundle(text: string): Bundle {
  const parsed = file.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`not a policy bundle: ${z.prettifyError(parsed.error)}`);
  const bundle = { ...parsed.data, wasm: new Uint8Array(Buffer.from(parsed.data.wasm, 'base64')) };
  if (bundleRevision(bundle) !== bundle.revision)
    throw new Error(`the bundle's contents do not match its revision ${bundle.revision}`);
  return bundle;
}
