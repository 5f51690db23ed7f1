import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { eventOfLine } from '../../audit/journal/event-of-line.ts';
import { frameAt, HEADER_BYTES } from '../../audit/journal/frame.ts';
import { openJournal } from '../../audit/journal/journal.ts';
import { createSigner } from '../../audit/ledger/ledger.ts';
import { parseConfig, type Config } from '../../gateway/config/config.ts';
import { formatAddress } from '../../gateway/config/address.ts';
import type { Bundle } from '../../gateway/domain/bundle.ts';
import { createDecider, type Decider } from '../../gateway/decide/decider.ts';
import { createEvaluator } from '../../gateway/decide/evaluator.ts';
import type { Event } from '../../gateway/domain/event.ts';
import { assertCall, type CallHold } from '../../gateway/domain/hold.ts';
import { isRefusal } from '../../gateway/domain/hold-command.ts';
import type { Store } from '../../gateway/domain/store.ts';
import type { NotificationTrigger } from '../../gateway/domain/notification.ts';
import type { Reviewer } from '../../gateway/domain/principal.ts';
import { loadOrCreateKey } from '../../gateway/holds/store/key-file.ts';
import { openHoldStore, type OwnedStore } from '../../gateway/holds/store/store.ts';
import { createPasses } from '../../gateway/identify/passes.ts';
import { hashToken } from '../../gateway/identify/token.ts';
import { buildServer, type AgentsServer } from '../../gateway/agents/server.ts';
import { createCanonicalLine } from '../../gateway/record/canonical-line.ts';
import { assertOnList } from './event-check.ts';
import { tempFolder } from './folder.ts';
import { compileRego } from './policy.ts';

export const TOKEN = 'agent-token';
export const OTHER_TOKEN = 'other-agent-token';
export const REVIEWER_TOKEN = 'reviewer-token';
export const BEN: Reviewer = { id: 'ben@example.com', groups: ['finance'], roles: ['reviewer'] };
export const DORA: Reviewer = { id: 'dora@example.com', groups: ['legal'], roles: ['reviewer', 'operator'] };

/** A data plane in this process, made of the same parts as a worker: real policy, store, journal and sockets. */
export type DataPlane = {
  readonly url: string;
  /** Host and port of a system that has its own address. */
  address(system: string): string;
  readonly store: OwnedStore;
  readonly config: Config;
  readonly decider: Decider;
  readonly server: AgentsServer;
  readonly registry: Registry;
  /** The notifications that people would get. */
  readonly occasions: NotificationTrigger[];
  /** The lines of the operations log. */
  readonly logged: Record<string, unknown>[];
  /** The journal's events on disk, in order. */
  events(): Promise<Event[]>;
  close(): Promise<void>;
};

/**
 * `systems` is the YAML mapping of the configuration, as text. Two agents exist: `billing-bot` (TOKEN), granted every
 * system, and `other-bot` (OTHER_TOKEN), granted the first.
 */
export async function startDataPlane(options: {
  readonly systems: Readonly<Record<string, object>>;
  /** Rego files by path, or a compiled bundle. */
  readonly rego: Readonly<Record<string, string>> | Bundle;
  readonly publicUrl?: string;
  readonly clock?: () => number;
  readonly journalLimit?: number;
  /** The file or URL of the hold store; a new file by default. */
  readonly at?: { readonly file: string } | { readonly url: string };
  /** The file of the key that encrypts the store; a new one by default. */
  readonly key?: string;
  /** Wraps the real store for the data plane, to make it fail or to observe it. */
  readonly through?: (store: OwnedStore) => Store;
  /** Why the worker cannot serve calls now; by default it can. */
  readonly notReady?: () => string | null;
  /** The name of the worker among those on one store. */
  readonly name?: string;
}): Promise<DataPlane> {
  const { systems, rego, clock = Date.now, journalLimit = 2 ** 24, through = (store) => store } = options;
  const { name = 'worker-0/1/test' } = options;
  const folder = tempFolder();
  const names = Object.keys(systems);
  const agents = [
    { id: 'billing-bot', owner: 'ana@example.com', token_sha256: hashToken(TOKEN), roles: ['payer'], systems: names },
    { id: 'other-bot', owner: 'cleo@example.com', token_sha256: hashToken(OTHER_TOKEN), systems: names.slice(0, 1) },
  ];
  const reviewers = [
    { ...BEN, token_sha256: hashToken(REVIEWER_TOKEN) },
    { ...DORA, token_sha256: hashToken(`another-${REVIEWER_TOKEN}`) },
  ];
  const listen = { agents: '127.0.0.1:0', admin: '127.0.0.1:0' };
  // JSON is YAML.
  const section = { listen, node: 'test', data: folder.path, systems, agents, reviewers };
  const text = JSON.stringify({ ...section, public_url: options.publicUrl });
  const config: Config = parseConfig(text, join(folder.path, 'holdpoint.yaml'), {});

  const bundle = isBundle(rego) ? rego : await compileRego(rego);
  const decider = createDecider(createEvaluator(bundle, { clock }));
  const key = await loadOrCreateKey(options.key ?? join(folder.path, 'keys/holds.key'));
  const occasions: NotificationTrigger[] = [];
  const compose = (occasion: NotificationTrigger) => {
    occasions.push(occasion);
    return [];
  };
  const at = options.at ?? { file: join(folder.path, 'holds.sqlite') };
  const store = await openHoldStore({ ...at, key, node: 'test', clock, reviewers: [BEN, DORA], compose });
  const journalFolder = join(folder.path, 'journal/worker-0');
  const { privateKey } = generateKeyPairSync('ed25519');
  const signer = createSigner(privateKey);
  const journal = await openJournal({ dir: journalFolder, node: 'test', signer, limit: journalLimit, clock });
  const registry = new Registry();
  const logged: Record<string, unknown>[] = [];
  const destination = {
    write(lines: string) {
      for (const line of lines.trimEnd().split('\n')) logged.push(JSON.parse(line));
    },
  };
  const log = pino({ level: 'info' }, destination);
  const server = buildServer({
    listen: config.listen.agents,
    headLimit: config.head_limit,
    systems: config.systems,
    agents: config.agents,
    reviewers: config.reviewers,
    public_url: config.public_url,
    node: 'test',
    attemptedBy: name,
    alone: false,
    policy: decider,
    passes: createPasses(key, clock),
    store: through(store),
    journal,
    log,
    logCall: createCanonicalLine(log, destination),
    registry,
    clock,
    notReady: options.notReady ?? (() => null),
  });
  const addresses = await server.listen();

  return {
    url: `http://${formatAddress(addresses.agents)}`,
    address: (system) => formatAddress(addresses.systems.get(system)!),
    store,
    config,
    decider,
    server,
    registry,
    occasions,
    logged,
    async events() {
      await journal.flushed();
      return readEvents(journalFolder);
    },
    async close() {
      await server.drain(1000);
      await journal.close();
      const steps = (await store.outbox.read(0, 100_000)).map(({ event }) => event);
      await store.close();
      const events = [...readEvents(journalFolder), ...steps];
      folder.remove();
      // Whatever a test is about, its recorded events must match the list of events.
      assertOnList(events);
    },
  };
}

/** Approves a hold as it is. @throws when it is refused */
export async function approve({ holds }: Pick<Store, 'holds'>, id: string, by: Reviewer = BEN): Promise<CallHold> {
  const { revision } = (await holds.find(id))!;
  const approval = { type: 'approve', by, channel: 'api', revision, note: null, seenAt: null, grant: null } as const;
  const result = await holds.apply(id, approval);
  if (isRefusal(result)) throw new Error(`not approved: ${result.detail}`);
  return assertCall(result);
}

function isBundle(rego: Readonly<Record<string, string>> | Bundle): rego is Bundle {
  return rego['wasm'] instanceof Uint8Array;
}

/** Every event in a journal's segments, read by the format alone: length, checksum, payload. */
export function readEvents(folder: string): Event[] {
  return readdirSync(folder)
    .toSorted()
    .flatMap((name) => {
      const bytes = readFileSync(join(folder, name));
      const events: Event[] = [];
      for (let at = 0; ;) {
        const frame = frameAt(bytes, at);
        if (frame === null || frame === 'short') break;
        at += HEADER_BYTES + frame.payload.length;
        if (frame.kind !== 'events') continue;
        for (const line of frame.payload.toString().split('\n').slice(0, -1)) events.push(eventOfLine(line));
      }
      return events;
    });
}
