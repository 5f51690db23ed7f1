import { createPolicyTarget } from '../../gateway/agents/policy-target.ts';
import { toolEnvironment } from '../../gateway/config/config.ts';
import type { Bundle } from '../../gateway/domain/bundle.ts';
import { compilePolicies } from '../../policies/compile.ts';
import { findOpa, type Opa } from '../../policies/opa.ts';
import { readSources } from '../../policies/sources.ts';
import { writeFiles } from './folder.ts';

let found: Promise<Opa> | null = null;

/** The pinned `opa`. It is found as the gateway finds it, and built if there is none. */
export function testOpa(): Promise<Opa> {
  found ??= findOpa({ ...toolEnvironment(), say: (message) => console.log(message), exact: true });
  return found;
}

/** Compiles Rego files, given by path below the policy folder, to the bundle that enforces them. */
export async function compileRego(
  files: Readonly<Record<string, string>>,
  systems: readonly { readonly name: string; readonly mcp?: string }[] | null = null,
): Promise<Bundle> {
  const folder = writeFiles(files);
  return compilePolicies(await readSources(folder.path), await testOpa(), createPolicyTarget(systems)).finally(
    folder.remove,
  );
}
