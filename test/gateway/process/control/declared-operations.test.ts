import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createToolStore } from '../../../../gateway/holds/store/tools.ts';
import type { HoldDatabase } from '../../../../gateway/holds/store/database.ts';
import { withPresets } from '../../../../gateway/config/preset.ts';
import { declaredOperations } from '../../../../gateway/process/control/declared-operations.ts';
import { engines, openDatabase, type Place } from '../../holds/store/engines.ts';

const openapi = {
  openapi: '3.1.0',
  paths: {
    '/v1/refunds': { get: {}, post: { operationId: 'createRefund' } },
    '/v2/refunds': { post: { operationId: 'createRefund' } },
  },
};

describe.each(engines)('operations that systems declare, with tools in $name', (engine) => {
  let place: Place;
  let database: HoldDatabase;
  beforeAll(async () => {
    place = await engine.place();
    database = await openDatabase(place);
  });
  afterAll(async () => {
    await database.close();
    await place.remove();
  });

  test('are those of OpenAPI documents and presets, and every tool that a list ever had, each once', async () => {
    const tools = createToolStore(database.db, () => 1_800_000_000_000);
    const tool = (name: string, digest: string) => ({ name, digest, text: '{}' });
    await tools.keep('desk', [tool('reply', 'a'), tool('close', 'a')]);
    await tools.keep('desk', [tool('reply', 'b')]);
    // Of a system that has left the configuration.
    await tools.keep('gone', [tool('reply', 'a')]);
    const { systems } = withPresets({ systems: { github: { preset: 'github' } } }) as {
      systems: { github: { openapi: unknown } };
    };
    const of = (openapi?: unknown) => (openapi === undefined ? {} : { openapi });
    const declared = await declaredOperations(
      new Map([
        ['payments', of(openapi)],
        ['desk', of()],
        ['github', of(systems.github.openapi)],
      ]),
      tools,
    );
    expect(declared.filter(({ system }) => system !== 'github')).toEqual([
      { system: 'payments', operation: 'GET /v1/refunds', source: 'openapi' },
      { system: 'payments', operation: 'createRefund', source: 'openapi' },
      { system: 'desk', operation: 'close', source: 'tools' },
      { system: 'desk', operation: 'reply', source: 'tools' },
    ]);
    expect(declared).toContainEqual({ system: 'github', operation: 'repos/create-in-org', source: 'openapi' });
  });
});
