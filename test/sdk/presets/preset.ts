import type { IncomingHttpHeaders } from 'node:http';
import { expect } from 'vitest';
import { TOKEN } from '../../helpers/data-plane.ts';
import type { Received } from '../../helpers/upstream.ts';
import { headersAt, startPresets } from '../presets.ts';

export type Preset = {
  /** Where agents reach the system. */
  readonly url: string;
  /** Host and port that the system has for itself, if it has. */
  address(): string;
  /** What reached the system: method and target. */
  reached(): readonly string[];
  /** The headers in which the last call reached it. */
  headers(): IncomingHttpHeaders;
  /** The operations of the calls that policy judged, in order. */
  operations(): Promise<string[]>;
  /**
   * Makes a call that is held, and approves it only after the SDK has left and come again. The same call of the SDK
   * returns the answer, and its retries were one call: one hold, sent once.
   */
  approved<Result>(call: () => PromiseLike<Result>): Promise<Result>;
  /** No call reached the system with the agent's token, in any header. */
  expectNoToken(): void;
  close(): Promise<void>;
};

/**
 * Starts a gateway with a system that is configured as a user would: preset, key and upstream. Its callers wait too
 * briefly for an approval, so that SDKs have to come again.
 * @param answer as the system does; `own` is its URL
 */
export async function startPreset(
  preset: string,
  answer: (received: Received, own: string) => unknown,
  settings: object = {},
): Promise<Preset> {
  let own = '';
  const presets = await startPresets([preset], (_preset, received) => answer(received, own), {
    [preset]: { wait: '100ms', ...settings },
  });
  const { plane, upstream } = presets;
  own = `${upstream.url}/${preset}`;
  const judged = async () => (await plane.events()).filter(({ type }) => type === 'call.decided');
  const holds = async () => (await plane.store.holds.list({ limit: 100 })).items.length;

  return {
    url: `${plane.url}/${preset}`,
    address: () => plane.address(preset),
    reached: () => presets.reached(preset),
    headers: () => headersAt(presets, preset),
    operations: async () => (await judged()).map(({ operation }) => operation ?? ''),
    async approved(call) {
      const writes = () => presets.reached(preset).filter((sent) => !sent.startsWith('GET '));
      const before = { sent: writes().length, holds: await holds() };
      const held = async () => (await judged()).filter(({ verdict }) => verdict === 'hold').length;
      const asked = await held();
      let ended = false;
      const result = Promise.resolve(call()).finally(() => (ended = true));
      result.catch(() => {});
      await expect.poll(async () => ended || (await held()) > asked + 1).toBe(true);
      if (!ended) await presets.approveNext();
      const value = await result;
      expect({ sent: writes().length, holds: await holds() }).toEqual({
        sent: before.sent + 1,
        holds: before.holds + 1,
      });
      return value;
    },
    expectNoToken() {
      expect(JSON.stringify(upstream.received.map(({ rawHeaders }) => rawHeaders))).not.toContain(TOKEN);
    },
    close: () => presets.close(),
  };
}
