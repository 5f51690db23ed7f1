import { isDeepStrictEqual } from 'node:util';
import type { Config } from './config.ts';

/** The sections that a running gateway takes over. The others need a restart. */
const LIVE = [
  'public_url',
  'systems',
  'agents',
  'reviewers',
  'notify',
  'retention',
  'log',
] as const satisfies readonly (keyof Config)[];

/** Parts of a field's name: `systems.payments.credential`. */
const DEPTH = 3;

/**
 * An agent that may not call a system any more: without an agent, all; without a system, any. Or a reviewer who may not
 * sign in any more, or not with a token that was valid before.
 */
export type Departure = {
  readonly agent?: string;
  readonly system?: string;
  readonly reviewer?: string;
  readonly reason: string;
};

export type ConfigChange = {
  /** What comes into force: the saved configuration, with the fields that need a restart as they were at the start. */
  readonly config: Config;
  /** Names of the fields that change, and of saved ones that need a restart. No values: they may be secrets. */
  readonly fields: readonly string[];
  readonly needsRestart: readonly string[];
  readonly departures: readonly Departure[];
};

/** What a saved configuration changes on a running gateway. */
export function changeTo(saved: Config, inForce: Config, started: Config): ConfigChange {
  const addresses = new Map(started.systems.map(({ name, address, listen }) => [name, { address, listen }]));
  const live = Object.fromEntries(LIVE.map((section) => [section, saved[section]]));
  const systems = saved.systems.map(({ address: _address, listen: _listen, ...system }) => {
    const { address = null, listen } = addresses.get(system.name) ?? {};
    return { ...system, address, ...(listen !== undefined && { listen }) };
  });
  const config: Config = { ...started, ...live, systems };
  return {
    config,
    fields: changedFields(inForce, config),
    needsRestart: changedFields(saved, config),
    departures: departures(inForce, config),
  };
}

/** Keeps the objects of the systems that did not change, and so what was built for them. */
export function keepUnchanged(systems: Config['systems'], before: Config['systems']): Config['systems'] {
  const known = new Map(before.map((system) => [system.name, system]));
  return systems.map((system) => {
    const old = known.get(system.name);
    return old && isDeepStrictEqual(old, system) ? old : system;
  });
}

function changedFields(before: Config, after: Config): string[] {
  return [...new Set(differences(before, after, []))].toSorted();
}

function differences(before: unknown, after: unknown, path: readonly string[]): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  const [old, now] = [membersOf(before), membersOf(after)];
  if (!old || !now || path.length === DEPTH) return [path.map(asWritten).join('.')];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((key) =>
    differences(old.get(key), now.get(key), [...path, key]),
  );
}

/** The members of a section, or of a list of named things; null for a value. */
function membersOf(value: unknown): Map<string, unknown> | null {
  if (Array.isArray(value)) {
    const names = value.map((item: { id?: string; name?: string }) => item?.id ?? item?.name);
    return names.includes(undefined) ? null : new Map(value.map((item, i) => [names[i]!, item]));
  }
  const isSection = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isSection ? new Map(Object.entries(value)) : null;
}

/** `bodyLimit` is `body_limit` in the file, and the address of a system is its `listen`. */
function asWritten(key: string, place: number): string {
  if (place < 2) return key;
  return key === 'address' ? 'listen' : key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function departures(before: Config, after: Config): Departure[] {
  const agents = new Map(after.agents.map((agent) => [agent.id, new Set(agent.systems)]));
  const systems = new Map(after.systems.map((system) => [system.name, system]));
  const left: Departure[] = [];
  for (const old of before.systems) {
    const system = systems.get(old.name);
    if (!system) left.push({ system: old.name, reason: `the system ${old.name} left the configuration` });
    else if (!isDeepStrictEqual(approvedParts(old), approvedParts(system)))
      left.push({ system: old.name, reason: `the configuration of the system ${old.name} changed` });
  }
  for (const { id, systems: granted } of before.agents) {
    const now = agents.get(id);
    if (!now) left.push({ agent: id, reason: `the agent ${id} left the configuration` });
    for (const system of now ? granted : [])
      if (!now!.has(system) && systems.has(system))
        left.push({ agent: id, system, reason: `the agent ${id} no longer has access to ${system}` });
  }
  const tokens = new Map(after.reviewers.map(({ id, token_sha256 }) => [id, [token_sha256].flat()]));
  for (const { id, token_sha256 } of before.reviewers) {
    const now = tokens.get(id);
    if (!now) left.push({ reviewer: id, reason: `the reviewer ${id} left the configuration` });
    else if (![token_sha256].flat().every((hash) => now.includes(hash)))
      left.push({ reviewer: id, reason: `a token of the reviewer ${id} left the configuration` });
  }
  return left;
}

/** What an approval of a call rests on: where it goes, how its path is read, and which headers count. */
function approvedParts(system: Config['systems'][number]) {
  const { upstream, upstreamHosts = [], path, headers, cookies, credential, agentCredential } = system;
  const names = [...(credential?.headers ?? []), ...(credential?.query ?? [])].map(({ name }) => name);
  const further = upstreamHosts.map(({ url, linkPass }) => [url.href, linkPass !== undefined]);
  return { upstream: upstream.href, further, path, headers, cookies, names, agentCredential };
}
