import type { Config } from '../config/config.ts';
import type { Address } from '../config/address.ts';
import { consoleUrl } from './console-url.ts';
import type { DataFolder } from './data-folder.ts';
import type { Clock } from '../domain/clock.ts';
import { loadOrCreateKey } from '../holds/store/key-file.ts';
import { createCompose, type Compose } from '../holds/notify/compose.ts';
import { openHoldStore, type OwnedStore } from '../holds/store/store.ts';

/** The key of the hold store. Every process of the gateways on one store has it. */
export async function storeKey({ store_key }: Config, folder: DataFolder): Promise<Buffer> {
  return store_key ?? (await loadOrCreateKey(folder.holdKey));
}

/**
 * Opens the configured hold store.
 * @param admin the address of the console, unless the configuration sets another
 */
export async function openStore(
  config: Config,
  folder: DataFolder,
  key: Buffer,
  admin: Address,
  clock: Clock,
): Promise<OwnedStore> {
  const { node, store: url, reviewers } = config;
  const where = url === undefined ? { file: folder.holds } : { url };
  return openHoldStore({ ...where, key, node, clock, reviewers, compose: composeFor(config, admin) });
}

/** Who is notified of what, and how. */
export function composeFor(config: Config, admin: Address): Compose {
  return createCompose(config.notify, config.reviewers, consoleUrl(config, admin).href);
}
