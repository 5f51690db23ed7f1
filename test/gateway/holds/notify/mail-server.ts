import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { LOCALHOST } from './localhost-certificate.ts';

setDefaultCACertificates([...getCACertificates(), LOCALHOST.cert]);

export type Mail = { readonly from: string; readonly to: readonly string[]; readonly text: string };

export type MailServer = {
  readonly port: number;
  readonly mails: Mail[];
  readonly logins: string[];
  close(): Promise<void>;
};

/** A mail server that takes everything, unless told otherwise. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const mails: Mail[] = [];
  const logins: string[] = [];
  const server = new SMTPServer({
    ...LOCALHOST,
    authOptional: true,
    onAuth({ username, password }, _session, done) {
      logins.push(`${username} ${password}`);
      if (password === 'p@ss word') done(null, { user: username });
      else done(new Error(`${password} is wrong`));
    },
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const from = envelope.mailFrom ? envelope.mailFrom.address : '';
        mails.push({ from, to: envelope.rcptTo.map(({ address }) => address), text: Buffer.concat(chunks).toString() });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return { port, mails, logins, close: () => new Promise<void>((done) => void server.close(done)) };
}

/** Header fields by their name in lower case, unfolded; and the text, decoded. */
export function readMail({ text }: Mail): {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
} {
  const end = text.indexOf('\r\n\r\n');
  const lines = text
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  const body = text.slice(end + 4).replaceAll('\r\n', '\n');
  return { headers, body: decoded(body, headers['content-transfer-encoding'] ?? '7bit') };
}

function decoded(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString();
  if (encoding !== 'quoted-printable') return body;
  const bytes = body
    .replaceAll('=\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_whole, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
