import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HoldDatabase } from '../../../../gateway/holds/store/database.ts';
import { beat, liveRuns, RUN_SILENT } from '../../../../gateway/holds/store/runs.ts';
import { engines, openDatabase, type Place } from './engines.ts';

const NOW = 1_800_000_000_000;
const DAY = 24 * 3_600_000;

describe.each(engines)('runs of gateways in $name', (engine) => {
  let place: Place;
  let database: HoldDatabase;

  beforeEach(async () => {
    place = await engine.place();
    database = await openDatabase(place);
  });
  afterEach(async () => {
    await database.close();
    await place.remove();
  });

  test('runs are alive from their first beat until they have been silent for too long', async () => {
    expect(await liveRuns(database.db, NOW)).toEqual([]);
    await beat(database.db, 'b', NOW);
    await beat(database.db, 'a', NOW + 1);
    expect(await liveRuns(database.db, NOW + 1)).toEqual(['a', 'b']);
    expect(await liveRuns(database.db, NOW + RUN_SILENT)).toEqual(['a']);
    expect(await liveRuns(database.db, NOW + RUN_SILENT + 1)).toEqual([]);
  });

  test('runs that beat again live on', async () => {
    await beat(database.db, 'a', NOW);
    await beat(database.db, 'a', NOW + RUN_SILENT);
    expect(await liveRuns(database.db, NOW + RUN_SILENT + 1)).toEqual(['a']);
  });

  test('runs that died a day ago are forgotten', async () => {
    await beat(database.db, 'a', NOW);
    await beat(database.db, 'b', NOW + DAY + 1);
    expect(await place.raw('select run from runs')).toEqual([expect.objectContaining({ run: 'b' })]);
  });
});
