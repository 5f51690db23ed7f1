import { expect, test } from 'vitest';
import { createRandom, someRequests } from './requests.ts';
import { createTwoServers } from './two-servers.ts';

/** A long run: `FUZZ_RUNS=1000000 FUZZ_SEED=7 npm exec -c 'vitest run test/gateway/wire/lane/fuzz.test.ts'`. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 20_000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

test(
  'the lane reads and answers what it takes as node:http does, and leaves it the rest',
  { timeout: 2 ** 31 - 1 },
  async () => {
    const servers = createTwoServers();
    const random = createRandom(SEED);
    const different: object[] = [];
    let byLane = 0;
    let requests = 0;
    for (let run = 0; run < RUNS && different.length === 0; run += 1) {
      const pieces = someRequests(random);
      const { withLane, without } = await servers.read(pieces);
      byLane += withLane.byLane.length;
      requests += without.requests.length;
      const same = { ...without, byLane: withLane.byLane };
      if (JSON.stringify(withLane) !== JSON.stringify(same))
        different.push({ run, pieces: pieces.map(String), withLane, without });
    }
    process.stdout.write(`${RUNS} connections, ${requests} requests, ${byLane} of them by the lane\n`);
    expect(different).toEqual([]);
    // Otherwise nothing would be compared.
    expect(byLane).toBeGreaterThan(RUNS / 10);
  },
);
