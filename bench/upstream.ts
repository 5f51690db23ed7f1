import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCertificate } from './certificate.ts';
import { freePort, LOAD_CORE, serve } from './child.ts';
import type { Server } from './child.ts';
import { nginxVersion, serveNginx } from './nginx.ts';
import type { Address } from './plan.ts';

/** `tls` is null where there is no `openssl` to make a certificate with. */
export type Upstream = Server & { readonly address: string; readonly tls: Address | null; readonly version: string };

const EXPORT_BYTES = 10_000_000;

/** The fastest fixed-answer server that is installed; every peer stands before this same one. */
export async function startUpstream(folder: string): Promise<Upstream> {
  mkdirSync(folder, { recursive: true });
  const [port, tlsPort] = [await freePort(), await freePort()];
  const address = `127.0.0.1:${port}`;
  const url = `http://${address}/`;
  const file = join(folder, 'export');
  writeFileSync(file, Buffer.alloc(EXPORT_BYTES, '0123456789abcdef\n'));
  const identity = createCertificate(folder);
  const nginx = nginxVersion();
  const server = nginx
    ? await serveNginx(
        LOAD_CORE,
        new URL('upstream.nginx.conf', import.meta.url),
        folder,
        {
          port,
          export: file,
          tls: identity
            ? `listen 127.0.0.1:${tlsPort} ssl backlog=4096; ssl_certificate ${identity.certificate}; ssl_certificate_key ${identity.key};`
            : '',
        },
        { url },
      )
    : await serve(
        LOAD_CORE,
        process.execPath,
        [
          fileURLToPath(new URL('upstream-server.ts', import.meta.url)),
          String(port),
          file,
          ...(identity ? [String(tlsPort), identity.certificate, identity.key] : []),
        ],
        { url },
      );
  return {
    ...server,
    address,
    tls: identity && { address: `127.0.0.1:${tlsPort}`, authority: identity.certificate },
    version: nginx ?? `node ${process.version}`,
  };
}
