import { z } from 'zod';
import { parseReadably } from '../../gateway/json/exact-json.ts';
import type { HeldCall } from '../../gateway/domain/hold.ts';

const text = z.string().nullable().catch(null);

/** The parts of a policy input that a reviewer is shown. Anything else in it, or of another shape, is not shown. */
const schema = z.object({
  principal: z.object({ session: text }).catch({ session: null }),
  action: z
    .object({ headers: z.record(z.string(), z.string()).catch({}), body: z.unknown(), tool: text })
    .catch({ headers: {}, body: null, tool: null }),
  resource: z.object({ type: z.string(), id: z.string().nullable() }).nullable().catch(null),
  context: z
    .object({
      flags: z.array(z.string()).catch([]),
      confidence: z.number().nullable().catch(null),
      reversible: z.boolean().nullable().catch(null),
      claims: z.record(z.string(), z.unknown()).catch({}),
    })
    .catch({ flags: [], confidence: null, reversible: null, claims: {} }),
});

export type JudgedInput = z.output<typeof schema>;

/** What policy was shown when it held the call. */
export function readInput(call: HeldCall | null): JudgedInput {
  return schema.parse(call ? parseReadably(call.input) : {});
}
