import { z } from 'zod';
import { section } from './section.ts';
import { person, tokenHashes } from './values.ts';

export const agent = section({
  id: z.string().min(1).describe('Name of the agent in policies and events; unique.'),
  owner: person.describe('The person accountable for the agent, such as `ana@example.com`.'),
  token_sha256: tokenHashes.describe(
    "SHA-256 of the agent's token, as `npx holdpoint token` prints it; every agent and reviewer needs a token of its own. While you replace a token, list both: `[new, old]`.",
  ),
  roles: z.array(z.string()).default([]).describe('Roles, for policies: `input.principal.roles`.'),
  systems: z.array(z.string()).describe('Systems that the agent may call.'),
});

export const reviewer = section({
  id: person.describe('The person, best as a mail address: mail notifications go there. Unique.'),
  token_sha256: tokenHashes.describe("SHA-256 of the reviewer's token, as for agents."),
  groups: z.array(z.string()).default([]).describe('Groups that hold rules name in `reviewers`.'),
  roles: z
    .array(z.enum(['reviewer', 'operator', 'analyst']))
    .default(['reviewer'])
    .describe(
      '`reviewer` decides holds. `operator` suspends agents and systems, cancels holds, revokes grants and resends notifications. `analyst` queries the embedded ClickHouse.',
    ),
});

/** An agent, as configured. */
export type AgentConfig = z.output<typeof agent>;
