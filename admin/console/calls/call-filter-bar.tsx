import { getRouteApi } from '@tanstack/react-router';
import { Search, X } from 'lucide-react';
import { useState, type SyntheticEvent } from 'react';
import { visibleLine } from '../../../gateway/domain/visible-text.ts';
import { Choice, Toggle, without } from '../page/chips.tsx';
import type { CallSummary } from '../server/shapes.ts';
import { FILTERS, PERIODS, type CallFilter, type FilterName } from './call-filter.ts';

const route = getRouteApi('/shell/calls');

/** Filters with a place of their own. The others come from links, and can be taken away. */
const SHOWN: ReadonlySet<FilterName> = new Set(['text', 'verdict', 'system', 'agent']);

type Props = {
  readonly filter: CallFilter;
  readonly calls: readonly CallSummary[];
  readonly isLive: boolean;
  readonly setLive: (isLive: boolean) => void;
};

/** Which calls are shown. Everything here but the live tail is in the address, so that it can be sent and bookmarked. */
export function CallFilterBar({ filter, calls, isLive, setLive }: Props) {
  const navigate = route.useNavigate();
  const set = (changes: Readonly<Record<string, unknown>>) =>
    void navigate({ search: (before) => without<CallFilter>({ ...before, ...changes }), replace: true });
  const values = (of: (call: CallSummary) => string) => [...new Set(calls.map(of))].toSorted();
  const others = FILTERS.filter((name) => filter[name] !== undefined && !SHOWN.has(name));
  return (
    <div className="filters" role="group" aria-label="Filters">
      <Words key={filter.text} text={filter.text ?? ''} search={(text) => set({ text: text || undefined })} />
      <Toggle name="Live tail" isOn={isLive} set={setLive} />
      <Choice
        name="Period"
        none="any"
        value={filter.period}
        choices={Object.keys(PERIODS)}
        words={PERIODS}
        set={(period) => set({ period })}
      />
      <Choice
        name="Verdict"
        value={filter.verdict}
        choices={['allow', 'hold', 'block']}
        set={(verdict) => set({ verdict })}
      />
      <Choice
        name="System"
        value={filter.system}
        choices={values(({ system }) => system)}
        set={(system) => set({ system })}
      />
      <Choice
        name="Agent"
        value={filter.agent}
        choices={values(({ agent }) => agent)}
        set={(agent) => set({ agent })}
      />
      {others.map((name) => (
        <button
          key={name}
          type="button"
          className="chip chosen"
          aria-label={`Any ${name.replaceAll('_', ' ')}, not ${filter[name]}`}
          onClick={() => set({ [name]: undefined })}
        >
          <span>{name.replaceAll('_', ' ')}</span> <bdi>{visibleLine(filter[name] ?? '')}</bdi>
          <X size={14} aria-hidden />
        </button>
      ))}
    </div>
  );
}

/** Words in the reason of a decision or in the note of a person. Looked for when they are complete. */
function Words({ text, search }: { readonly text: string; readonly search: (text: string) => void }) {
  const [words, setWords] = useState(text);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    search(words.trim());
  };
  return (
    <form role="search" className="words" onSubmit={submit}>
      <Search size={16} aria-hidden />
      <input
        type="search"
        aria-label="Words in a reason or a note"
        placeholder="Words in a reason or a note"
        value={words}
        onChange={({ target }) => setWords(target.value)}
      />
    </form>
  );
}
