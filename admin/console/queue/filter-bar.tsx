import { getRouteApi } from '@tanstack/react-router';
import { HOLD_STATUSES } from '../../../gateway/domain/hold.ts';
import { Choice, Toggle, without } from '../page/chips.tsx';
import type { HoldSummary } from '../server/holds.ts';
import type { Filter } from './filter.ts';

const route = getRouteApi('/shell/holds');

/** What the queue shows. Everything here is in the address, so that it can be sent and bookmarked. */
export function FilterBar({ filter, holds }: { readonly filter: Filter; readonly holds: readonly HoldSummary[] }) {
  const navigate = route.useNavigate();
  const set = (changes: Readonly<Record<string, unknown>>) =>
    void navigate({ search: (before) => without<Filter>({ ...before, ...changes }), replace: true });
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
