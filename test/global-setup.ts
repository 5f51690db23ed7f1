import type { TestProject } from 'vitest/node';
import { testOpa } from './helpers/policy.ts';
import { startPostgres } from './helpers/postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL server for this run: see `engines.ts` of the holds' tests. */
    postgres: string;
  }
}

/** Where there is no `opa` yet it is built once, before any test's clock runs. One PostgreSQL serves the whole run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [postgres] = await Promise.all([startPostgres(), testOpa()]);
  project.provide('postgres', postgres.url);
  return () => postgres.stop();
}
