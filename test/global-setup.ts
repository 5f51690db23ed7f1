import { testOpa } from './helpers/policy.ts';

/** Where there is no `opa` yet it is built once, before any test's clock runs. */
export async function setup(): Promise<void> {
  await testOpa();
}
