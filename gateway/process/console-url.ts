import { hostname } from 'node:os';
import { formatAddress, type Address } from '../config/address.ts';
import type { Config } from '../config/config.ts';

/**
 * Where people open the console: links to it begin with this.
 * @param admin the address of the admin listener, which counts unless the configuration sets another
 */
export function consoleUrl({ notify }: Pick<Config, 'notify'>, admin: Address): URL {
  return notify.console ?? new URL(`http://${formatAddress(named(admin))}/`);
}

/** Where people connect to an address. One that stands for every address of this machine cannot be opened elsewhere. */
function named({ host, port }: Address): Address {
  return { host: host === '0.0.0.0' || host === '::' ? hostname() : host, port };
}
