import { type Config } from '../config/config.ts';
import { formatAddress, type Address } from '../config/address.ts';
import type { DataFolder } from './data-folder.ts';
import type { Clock } from '../domain/clock.ts';
import { loadOrCreateKey } from '../holds/store/key-file.ts';
import { createCompose, type Compose } from '../holds/notify/compose.ts';
import { openHoldStore, type OwnedStore } from '../holds/store/store.ts';

/**
 * Opens the configured hold store.
 * @param admin the address of the console, unless the configuration sets another
 */
export async function openStore(config: Config, folder: DataFolder, admin: Address, clock: Clock): Promise<OwnedStore> {
  const { node, store: url, store_key, reviewers } = config;
  const key = store_key ?? (await loadOrCreateKey(folder.holdKey));
  const where = url === undefined ? { file: folder.holds } : { url };
  return openHoldStore({ ...where, key, node, clock, reviewers, compose: composeFor(config, admin) });
}

/** Who is notified of what, and how. */
export function composeFor({ notify, reviewers }: Config, admin: Address): Compose {
  return createCompose(notify, reviewers, notify.console?.href ?? `http://${formatAddress(admin)}/`);
}
