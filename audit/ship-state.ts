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
/**
 * How far one source is delivered, and what is being delivered now. Where several gateways keep it, `version` counts how
 * often it was saved.
 */
export type ShipState = z.infer<typeof stateSchema> & { readonly version?: number };

/** Where the shipper keeps what it must know after a crash. */
export type ShipStates = {
  /** Names this data directory, or a shared source, for ever, so that tokens of two that feed one ClickHouse never meet. */
  readonly home: string;
  /** @throws when the state cannot be read: delivering from a guessed position would deliver twice. */
  load(source: string): Promise<ShipState>;
  /**
   * Durable when it resolves, to what the next one must follow. After a failure the state has to be loaded again: what is
   * kept is not known, or it is not what `state` followed.
   */
  save(source: string, state: ShipState): Promise<ShipState>;
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
      return parseState(await readOrNull(pathOf(source)));
    },
    async save(source, state) {
      await writeDurably(pathOf(source), writeState(state));
      return state;
    },
  };
}

/** A state as text; null when nothing has been delivered yet. @throws when it is none */
export function parseState(text: string | null): ShipState {
  return text === null ? { position: '', plan: null } : stateSchema.parse(JSON.parse(text));
}

export function writeState({ position, plan }: ShipState): string {
  return JSON.stringify({ position, plan });
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
