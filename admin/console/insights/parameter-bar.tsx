import { useState, type FormEvent } from 'react';
import { Choice } from '../page/chips.tsx';
import type { Given } from '../server/reports.ts';
import type { Report } from '../server/shapes.ts';

type Parameter = Report['parameters'][number];
type Props = {
  readonly parameters: readonly Parameter[];
  readonly given: Given;
  readonly set: (given: Given) => void;
};

/** What a report can be narrowed to, and its thresholds. */
export function ParameterBar({ parameters, given, set }: Props) {
  const change = (name: string) => (value: string | undefined) => {
    const { [name]: _, ...others } = given;
    set(value === undefined || value === '' ? others : { ...others, [name]: value });
  };
  return (
    <div className="chips">
      {parameters
        .filter(({ type }) => type !== 'time')
        .map((parameter) =>
          parameter.of ? (
            <Choice
              key={parameter.name}
              name={parameter.name}
              none={parameter.default}
              value={given[parameter.name]}
              choices={parameter.of.filter((each) => each !== parameter.default)}
              set={change(parameter.name)}
            />
          ) : (
            <ValueField
              key={`${parameter.name} ${given[parameter.name] ?? ''}`}
              parameter={parameter}
              value={given[parameter.name] ?? ''}
              set={change(parameter.name)}
            />
          ),
        )}
    </div>
  );
}

type FieldProps = {
  readonly parameter: Parameter;
  readonly value: string;
  readonly set: (value: string) => void;
};

/** Taken with Enter, or when it is left: each value is a question to the record. */
function ValueField({ parameter: { name, about, default: usual }, value, set }: FieldProps) {
  const [text, setText] = useState(value);
  const take = () => text.trim() !== value && set(text.trim());
  const submit = (event: FormEvent) => {
    event.preventDefault();
    take();
  };
  return (
    <form onSubmit={submit}>
      <label className={value === '' ? 'chip' : 'chip chosen'} title={about}>
        <span>{name}</span>
        <input
          value={text}
          placeholder={usual === '' ? 'all' : usual}
          size={Math.max(4, text.length, usual.length)}
          onChange={({ target }) => setText(target.value)}
          onBlur={take}
        />
      </label>
    </form>
  );
}
