import type { Credential, PlainSecret, Secret } from '../domain/credential.ts';
import type { UpstreamSink } from '../domain/upstream-sink.ts';
import { createCredentialMask } from './credential-mask.ts';
import type { SecretFiles } from './secret-files.ts';

/** A system's own credential, as the calls to it carry it now. */
export type OwnCredential = {
  /** Names and values, alternating. */
  readonly headers: readonly string[];
  /** The target of a call with the parts of the credential that belong there. */
  target(target: string): string;
  /** Masks the credential in the answer to a call. */
  mask(answer: UpstreamSink): UpstreamSink;
};

/** The credential of one system, which changes when one of its files does. */
export function createOwnCredential(credential: Credential | undefined, files: SecretFiles): OwnCredential {
  const { headers = [], query = [], path = '' } = credential ?? {};
  const values = new Map<string, string>();
  const read = (secret: PlainSecret): string =>
    typeof secret === 'string' ? secret : secret.prefix + (values.get(secret.file) ?? '');
  const write = (secret: Secret): string =>
    typeof secret === 'object' && 'user' in secret
      ? `Basic ${Buffer.from(`${read(secret.user)}:${read(secret.password)}`).toString('base64')}`
      : read(secret);

  let own: {
    readonly headers: readonly string[];
    readonly query: string;
    readonly mask: ReturnType<typeof createCredentialMask>;
  };
  function render(): void {
    own = {
      headers: headers.flatMap(({ name, value }) => [name, write(value)]),
      query: query
        .map(({ name, value }) => `${encodeURIComponent(name)}=${encodeURIComponent(write(value))}`)
        .join('&'),
      mask: createCredentialMask([...[...headers, ...query].map(({ value }) => write(value)), ...path.split('/')]),
    };
  }

  for (const file of new Set([...headers, ...query].flatMap(({ value }) => filesOf(value)))) {
    const changed = (value: string) => {
      values.set(file, value);
      render();
    };
    values.set(file, files.follow(file, changed));
  }
  render();

  return {
    mask: (answer) => own.mask(answer),
    get headers() {
      return own.headers;
    },
    target(target) {
      if (own.query === '') return path + target;
      const joint = !target.includes('?') ? '?' : /[?&]$/.test(target) ? '' : '&';
      return path + target + joint + own.query;
    },
  };
}

function filesOf(secret: Secret): string[] {
  if (typeof secret === 'string') return [];
  return 'file' in secret ? [secret.file] : [secret.user, secret.password].flatMap(filesOf);
}
