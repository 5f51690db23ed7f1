import '../styles/chips.css';
import type { ChangeEvent } from 'react';

type ToggleProps = { readonly name: string; readonly isOn: boolean; readonly set: (isOn: boolean) => void };

/** A filter that is on or off. */
export function Toggle({ name, isOn, set }: ToggleProps) {
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
  /** What the choices are called, where that is not what they are. */
  readonly words?: Readonly<Record<string, string>>;
  readonly set: (value: string | undefined) => void;
};

/** A filter with one value of several. A value that is none of them stays, as it may come from an address. */
export function Choice({ name, none = 'all', value, choices, words, set }: ChoiceProps) {
  const known = value === undefined || choices.includes(value) ? choices : [value, ...choices];
  const change = ({ target }: ChangeEvent<HTMLSelectElement>) => set(target.value === '' ? undefined : target.value);
  return (
    <label className={value === undefined ? 'chip' : 'chip chosen'}>
      <span>{name}</span>
      <select value={value ?? ''} onChange={change}>
        <option value="">{none}</option>
        {known.map((each) => (
          <option key={each} value={each}>
            {words?.[each] ?? each}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The search of an address without what is undefined. */
export function without<Search extends object>(search: Search): Search {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as Search;
}
