import type { Config } from '../config/config.ts';
import { loadKey } from '../holds/store/key-file.ts';
import { createSignInLinks } from '../identify/sign-in-links.ts';
import { consoleUrl } from '../process/console-url.ts';
import { dataFolder } from '../process/data-folder.ts';
import { CommandFailed } from './command.ts';

/**
 * A one-time link that signs a reviewer in to the console. Its secret is in the fragment, which no browser sends: no proxy
 * and no log sees it. Made with the key of the store, which the account of the gateway alone can read.
 * @throws CommandFailed without a key
 */
export async function createSignInLink(config: Config, reviewer: string): Promise<URL> {
  const link = new URL('sign-in', consoleUrl(config, config.listen.admin).href.replace(/\/*$/, '/'));
  link.hash = createSignInLinks(await storeKey(config), Date.now).issue(reviewer);
  return link;
}

/** Never makes a key: the link of a new one would open nothing. */
async function storeKey({ store_key, data }: Config): Promise<Buffer> {
  const file = dataFolder(data).holdKey;
  return (
    store_key ??
    (await loadKey(file).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') throw new CommandFailed(`There is no key in ${file} yet. Start the gateway first.`);
      if (cause.code === 'EACCES')
        throw new CommandFailed(`${file} cannot be read. Run this as the user of the gateway.`);
      throw cause;
    }))
  );
}
