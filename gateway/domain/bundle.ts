import { createHash } from 'node:crypto';
import { z } from 'zod';

/** The source of a rule. */
export type RuleSource = {
  /** The package, such as `rules.payments`. */
  readonly package: string;
  /** The rule's result: a verdict on a call, or drift in an answer. */
  readonly verdict: 'allow' | 'hold' | 'block' | 'drift';
  /** Null if the rule's name is computed. */
  readonly rule: string | null;
  /** Relative to the policy folder. */
  readonly file: string;
  readonly line: number;
  /** The only tools of MCP, or operations, on which it can say anything; absent if its conditions name none. */
  readonly tools?: readonly string[];
};

/** The name of a rule as events have it: `<package>/<name>`. */
export function ruleName({ package: name, rule }: Pick<RuleSource, 'package' | 'rule'>): string {
  return `${name}/${rule ?? '(computed)'}`;
}

/**
 * What policy reads below a place of the input: anything (`true`), or only these members. `{}` means that policy reads
 * a value that is not an object, and of an object only that it is one.
 */
export type ReadTree = true | { readonly [member: string]: ReadTree };

/** The parts of the input that a decision can depend on. No other part can change it. */
export type Reads = {
  /** For systems that are not in `systems`. */
  readonly others: ReadTree;
  readonly systems: { readonly [system: string]: ReadTree };
  /** The words in the policy's texts, sorted. */
  readonly words: readonly string[];
};

export const READS_ANYTHING: Reads = { others: true, systems: {}, words: [] };

/** A compiled policy: everything except the input that a decision depends on. */
export type Bundle = {
  /** SHA-256 (hex) over the module, its data, its reads and the places of its rules. */
  readonly revision: string;
  readonly wasm: Uint8Array;
  /** JSON text exactly as it was compiled, so that no number is rounded. */
  readonly data: string;
  /** Derived from the sources, not from the module alone, so the revision includes it. */
  readonly reads: Reads;
  /** SHA-256 (hex) over the sources, to detect changes. Decisions do not depend on it. */
  readonly sources: string;
  /** The version of OPA that compiled it. */
  readonly opa: string;
  readonly rules: readonly RuleSource[];
  /** Whether the policy reads `input.usage`. Usage is counted only then. */
  readonly readsUsage: boolean;
};

/** Changes if and only if the module, its data, the reads or the rules change: decisions name the places of rules. */
export function bundleRevision({
  wasm,
  data,
  reads,
  rules,
}: Pick<Bundle, 'wasm' | 'data' | 'reads' | 'rules'>): string {
  const places = rules.map(({ package: name, verdict, rule, file, line }) => [name, verdict, rule, file, line]);
  const shown = JSON.stringify([reads, places]);
  // Without the lengths, bytes could move from one part to the next without changing the hash.
  const hash = createHash('sha256').update(`${wasm.byteLength} ${shown.length}\n`);
  return hash.update(wasm).update(shown).update(data).digest('hex');
}

// Not a `z.record`, which drops a member named `__proto__`.
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
      tools: z.array(z.string()).optional(),
    }),
  ),
  readsUsage: z.boolean(),
  reads: z.strictObject({ others: readTree, systems: readTrees, words: z.array(z.string()).readonly() }),
  data: z.string(),
  wasm: z.base64(),
});

function isReadTree(value: unknown): boolean {
  if (value === true) return true;
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isReadTree);
}

/** A bundle as JSON text. The same bundle always gives the same bytes. */
export function encodeBundle(bundle: Bundle): string {
  const { revision, sources, opa, rules, readsUsage, reads, data, wasm } = bundle;
  const encoded: z.infer<typeof file> = {
    revision,
    sources,
    opa,
    rules: rules.map(({ tools, ...rule }) => ({ ...rule, ...(tools && { tools: [...tools] }) })),
    readsUsage,
    reads,
    data,
    wasm: Buffer.from(wasm).toString('base64'),
  };
  return `${JSON.stringify(encoded, null, 2)}\n`;
}

/** @throws Error if the text is not a bundle, or its contents do not match its revision */
export function decodeBundle(text: string): Bundle {
  const parsed = file.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`not a policy bundle: ${z.prettifyError(parsed.error)}`);
  const rules = parsed.data.rules.map(({ tools, ...rule }) => ({ ...rule, ...(tools && { tools }) }));
  const bundle = { ...parsed.data, rules, wasm: new Uint8Array(Buffer.from(parsed.data.wasm, 'base64')) };
  if (bundleRevision(bundle) !== bundle.revision)
    throw new Error(`the bundle's contents do not match its revision ${bundle.revision}`);
  return bundle;
}
