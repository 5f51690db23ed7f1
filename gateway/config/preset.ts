import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const FOLDER = join(import.meta.dirname, 'presets');

type Mapping = Readonly<Record<string, unknown>>;

/** The systems that Holdpoint knows, by name. Each is a file in `gateway/config/presets`. */
export const PRESETS: readonly string[] = readdirSync(FOLDER)
  .flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -'.yaml'.length)] : []))
  .toSorted();

/** Puts the presets that a configuration names under what it says itself. The schema reports names that no preset has. */
export function withPresets(configuration: unknown): unknown {
  if (!isMapping(configuration) || !isMapping(configuration['systems'])) return configuration;
  const systems = Object.entries(configuration['systems']).map(([name, system]) => {
    const preset = isMapping(system) ? PRESETS.find((known) => known === system['preset']) : undefined;
    return [name, preset === undefined ? system : withPreset(preset, system as Mapping)];
  });
  return { ...configuration, systems: Object.fromEntries(systems) };
}

/** A system's own settings over those of its preset. Mappings are merged; other values and lists are replaced. */
function withPreset(preset: string, own: Mapping): Mapping {
  const { credential, ...settings } = parse(readFileSync(join(FOLDER, `${preset}.yaml`), 'utf8')) as Mapping;
  const merged = Object.entries(own).map(([key, value]) => {
    const brought = settings[key];
    return [key, isMapping(value) && isMapping(brought) ? { ...brought, ...value } : value];
  });
  const { credential: given } = own;
  const filled = typeof given === 'string' && isMapping(credential) ? fill(credential, given) : given;
  return { ...settings, ...Object.fromEntries(merged), ...(filled !== undefined && { credential: filled }) };
}

/**
 * Puts the key into a preset's credential: as `{key}`, as `{base64 key}` for Basic (RFC 7617), or, where a system takes
 * two keys, as `{first key}` and `{second key}`, which a colon separates. Without a second key, its header is left out.
 */
function fill({ value, headers, ...rest }: Mapping, key: string): Mapping {
  const [first = '', second = ''] = key.split(/:(.*)/s, 2);
  const forms: Readonly<Record<string, string>> = {
    '{key}': key,
    '{base64 key}': Buffer.from(key).toString('base64'),
    '{first key}': first,
    '{second key}': second,
  };
  const filled = (text: unknown) => String(text).replace(/\{(?:\w+ )?key\}/, (form) => forms[form]!);
  const several = Object.entries(headers ?? {}).map(([name, text]) => [name, filled(text)]);
  return {
    ...rest,
    ...(value !== undefined && { value: filled(value) }),
    ...(several.length > 0 && { headers: Object.fromEntries(several.filter(([, text]) => text !== '')) }),
  };
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
