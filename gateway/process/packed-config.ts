import type { Config } from '../config/config.ts';

/** A configuration as it passes between processes, which lose a URL's class. */
export type PackedConfig = { readonly packed: unknown };

export function packConfig(config: Config): PackedConfig {
  return { packed: pack(config) };
}

export function unpackConfig({ packed }: PackedConfig): Config {
  return unpack(packed) as Config;
}

const MARK = '\0url';

function pack(value: unknown): unknown {
  return value instanceof URL ? { [MARK]: value.href } : mapMembers(value, pack);
}

function unpack(value: unknown): unknown {
  const href = (value as Record<string, unknown> | null | undefined)?.[MARK];
  return typeof href === 'string' ? new URL(href) : mapMembers(value, unpack);
}

function mapMembers(value: unknown, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, change(member)]));
}
