import { getRouteApi } from '@tanstack/react-router';
import type { ChangeEvent } from 'react';
import { HOLD_STATUSES } from '../../../gateway/domain/hold.ts';
import type { HoldSummary } from '../server/holds.ts';
import type { Filter } from './filter.ts';

const route = getRouteApi('/shell/holds');

/** What the queue shows. Everything here is in the address, so that it can be sent and bookmarked. */
export function FilterBar({ filter, holds }: { readonly filter: Filter; readonly holds: readonly HoldSummary[] }) {
  const navigate = route.useNavigate();
  const set = (changes: Readonly<Record<string, unknown>>) =>
    void navigate({ search: (before) => without({ ...before, ...changes }), replace: true });
  const values = (of: (hold: HoldSummary) => readonly string[]) => [...new Set(holds.flatMap(of))].toSorted();
  return (
    <div className="filters" role="group" aria-label="Filters">
      <Toggle name="Mine" isOn={filter.mine === true} set={(isOn) => set({ mine: isOn || undefined })} />
      <Toggle name="Overdue" isOn={filter.overdue === true} set={(isOn) => set({ overdue: isOn || undefined })} />
      <Choice
        name="Kind"
        value={filter.kind}
        choices={['approval', 'exception', 'relay']}
        set={(kind) => set({ kind })}
      />
      <Choice
        name="System"
        value={filter.system}
        choices={values(({ action }) => (action ? [action.system] : []))}
        set={(system) => set({ system })}
      />
      <Choice
        name="Agent"
        value={filter.agent}
        choices={values(({ agent }) => [agent.id])}
        set={(agent) => set({ agent })}
      />
      <Choice
        name="Group"
        value={filter.group}
        choices={values(({ routing }) => routing.groups)}
        set={(group) => set({ group })}
      />
      <Choice
        name="State"
        none="waiting"
        value={filter.status}
        choices={HOLD_STATUSES.filter((status) => status !== 'pending')}
        set={(status) => set({ status })}
      />
    </div>
  );
}

function without(search: Readonly<Record<string, unknown>>): Filter {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined));
}

type ToggleProps = { readonly name: string; readonly isOn: boolean; readonly set: (isOn: boolean) => void };

function Toggle({ name, isOn, set }: ToggleProps) {
  return (
    <button type="button" className="chip" aria-pressed={isOn} onClick={() => set(!isOn)}>
      {name}
    </button>
  );
}

type ChoiceProps = {
  readonly name: string;
  readonly none?: string;
  readonly value: string | undefined;
  readonly choices: readonly string[];
  readonly set: (value: string | undefined) => void;
};

function Choice({ name, none = 'all', value, choices, set }: ChoiceProps) {
  const known = value === undefined || choices.includes(value) ? choices : [value, ...choices];
  const change = ({ target }: ChangeEvent<HTMLSelectElement>) => set(target.value === '' ? undefined : target.value);
  return (
    <label className={value === undefined ? 'chip' : 'chip chosen'}>
      <span>{name}</span>
      <select value={value ?? ''} onChange={change}>
        <option value="">{none}</option>
        {known.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}
