import type { Kysely } from 'kysely';
import type { Clock } from '../../domain/clock.ts';
import { DEFAULT_PREFERENCES, type PreferenceStore, type Preferences } from '../../domain/preferences.ts';
import { available } from './available.ts';
import type { Schema } from './schema.ts';
import type { Transact } from './unit-of-work.ts';

export function createPreferenceStore(db: Kysely<Schema>, transact: Transact, clock: Clock): PreferenceStore {
  return {
    of: (person) =>
      available(async () => {
        const row = await db
          .selectFrom('preferences')
          .select('document')
          .where('person', '=', person)
          .executeTakeFirst();
        return row ? (JSON.parse(row.document) as Preferences) : DEFAULT_PREFERENCES;
      }),
    set: (person, preferences, channel) =>
      available(() =>
        transact(clock(), async ({ trx, now, record }) => {
          const document = JSON.stringify(preferences);
          await trx
            .insertInto('preferences')
            .values({ person, changed_at: now, document })
            .onConflict((conflict) => conflict.column('person').doUpdateSet({ changed_at: now, document }))
            .execute();
          await record({
            type: 'preferences.changed',
            actor: person,
            actor_kind: 'reviewer',
            channel,
            reason: inWords(preferences),
          });
          return preferences;
        }),
      ),
  };
}

function inWords({ quietHours, digest, mail }: Preferences): string {
  const quiet = quietHours ? `${quietHours.from} to ${quietHours.to} ${quietHours.timeZone}` : 'none';
  return `mail: ${mail}; digest: ${digest ?? 'none'}; quiet hours: ${quiet}`;
}
