import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { syncDirectory, writeDurably } from './durable-file.ts';

/**
 * A batch on its way. Written before anything is sent, so that whatever happens the same rows go out again under the
 * same tokens and ClickHouse drops those that it has.
 */
const planSchema = z.strictObject({
  from: z.string(),
  to: z.string(),
  /** The batch's arrival time, milliseconds since the epoch: part of every row, so it must not change on a retry. */
  at: z.number(),
  /** Rows still to be sent, as ranges [start, end) of the batch. More than one once a bad row is being looked for. */
  parts: z.array(z.tuple([z.number(), z.number()])),
});

const stateSchema = z.strictObject({ position: z.string(), plan: planSchema.nullable() });

export type Plan = z.infer<typeof planSchema>;
/** How far one source is delivered, and what is being delivered now. */
export type ShipState = z.infer<typeof stateSchema>;

/** Where the shipper keeps what it must know after a crash. */
export type ShipStates = {
  /** Names this data directory for ever, so that tokens of two that feed one ClickHouse never meet. */
  readonly home: string;
  /** @throws when the state cannot be read: delivering from a guessed position would deliver twice. */
  load(source: string): Promise<ShipState>;
  /** Durable when it resolves. */
  save(source: string, state: ShipState): Promise<void>;
};

export async function openShipStates(dir: string): Promise<ShipStates> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await syncDirectory(join(dir, '..'));
  const homePath = join(dir, 'home');
  let home = await readOrNull(homePath);
  if (home === null) {
    home = randomUUID();
    await writeDurably(homePath, home);
  }
  const pathOf = (source: string) => join(dir, `${source}.json`);
  return {
    home,
    async load(source) {
      const text = await readOrNull(pathOf(source));
      if (text === null) return { position: '', plan: null };
      return stateSchema.parse(JSON.parse(text));
    },
    save: (source, state) => writeDurably(pathOf(source), JSON.stringify(state)),
  };
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
