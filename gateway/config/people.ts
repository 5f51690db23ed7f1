import { z } from 'zod';
import { section } from './section.ts';
import { person, tokenHash } from './values.ts';

export const agent = section({
  id: z.string().min(1),
  owner: person,
  token_sha256: tokenHash,
  roles: z.array(z.string()).default([]),
  systems: z.array(z.string()),
});

export const reviewer = section({
  id: person,
  token_sha256: tokenHash,
  groups: z.array(z.string()).default([]),
  roles: z.array(z.enum(['reviewer', 'operator', 'analyst'])).default(['reviewer']),
});

/** Somebody who calls, as configured. */
export type AgentConfig = z.output<typeof agent>;
/** Somebody who decides, as configured. */
export type ReviewerConfig = z.output<typeof reviewer>;
