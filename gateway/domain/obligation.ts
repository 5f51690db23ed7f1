import { z } from 'zod';
import { isReserved } from './headers.ts';

/** `set-header` replaces a request header. It is the only obligation that the gateway can meet. */
export const setHeader = z
  .strictObject({
    type: z.literal('set-header'),
    name: z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/),
    value: z.string().regex(/^[\t\x20-\x7e]*$/),
  })
  .refine(({ name }) => !isReserved(name.toLowerCase()));
