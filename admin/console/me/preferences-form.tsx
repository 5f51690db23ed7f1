import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Preferences } from '../server/shapes.ts';
import { ask } from '../server/ask.ts';
import { ifServed } from '../server/holds.ts';

const KEY = ['me', 'preferences'];
const PATH = '/api/me/preferences';
const NIGHT = { from: '22:00', to: '07:00' };

/** When and how one is told of held calls. */
export function PreferencesForm() {
  const { data, isPending, error } = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => ifServed(ask<Preferences>(PATH, { signal })),
    retry: false,
  });
  return (
    <section className="part" aria-labelledby="notices-title">
      <h2 id="notices-title">Notices</h2>
      {data ? (
        <Form saved={data} />
      ) : (
        <p className="hint">
          {isPending ? 'Looking…' : (error?.message ?? 'This gateway tells everybody the same way.')}
        </p>
      )}
    </section>
  );
}

function Form({ saved }: { readonly saved: Preferences }) {
  const cache = useQueryClient();
  const [draft, setDraft] = useState(saved);
  const save = useMutation({
    mutationFn: (preferences: Preferences) => ask<Preferences | undefined>(PATH, { method: 'PUT', body: preferences }),
    onSuccess: (stored, sent) => cache.setQueryData(KEY, stored ?? sent),
  });
  const { quiet_hours: quiet, digest, mail } = draft;
  const set = (changes: Partial<Preferences>) => {
    setDraft({ ...draft, ...changes });
    save.reset();
  };
  const isChanged = JSON.stringify(draft) !== JSON.stringify(saved);
  const zone = quiet?.time_zone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;

  return (
    <div className="preferences">
      <label className="field">
        <span>Mail about held calls</span>
        <select
          className="input"
          value={mail}
          onChange={({ target }) => set({ mail: target.value as Preferences['mail'] })}
        >
          <option value="if-unanswered">only if nobody reacted to the chat message</option>
          <option value="always">always</option>
          <option value="never">never</option>
        </select>
      </label>
      <label className="field">
        <span>Digest</span>
        <select
          className="input"
          value={digest ?? ''}
          onChange={({ target }) => set({ digest: (target.value || null) as Preferences['digest'] })}
        >
          <option value="">none: each message by itself</option>
          <option value="hourly">one an hour</option>
          <option value="daily">one a day</option>
        </select>
      </label>
      <label className="check">
        <input
          type="checkbox"
          checked={quiet !== null}
          onChange={({ target }) => set({ quiet_hours: target.checked ? { ...NIGHT, time_zone: zone } : null })}
        />
        Quiet hours
      </label>
      {quiet && (
        <div className="row-fields">
          {(['from', 'to'] as const).map((end) => (
            <label key={end} className="field">
              <span>{end === 'from' ? 'From' : 'To'}</span>
              <input
                className="input"
                type="time"
                value={quiet[end]}
                onChange={({ target }) => set({ quiet_hours: { ...quiet, [end]: target.value } })}
              />
            </label>
          ))}
          <label className="field">
            <span>Time zone</span>
            <select
              className="input"
              value={zone}
              onChange={({ target }) => set({ quiet_hours: { ...quiet, time_zone: target.value } })}
            >
              {[...new Set([zone, ...Intl.supportedValuesOf('timeZone')])].map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
        </div>
      )}
      <div className="verbs">
        <button
          type="button"
          className="button primary"
          disabled={!isChanged || save.isPending}
          onClick={() => save.mutate(draft)}
        >
          Save
        </button>
        <p role="status" className="hint">
          {save.isSuccess && !isChanged && 'Saved.'}
        </p>
      </div>
      {save.error && <p className="wrong">{save.error.message}</p>}
    </div>
  );
}
