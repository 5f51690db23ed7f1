import { whyPlaceholder } from './placeholder.ts';

type Report = (path: readonly PropertyKey[], message: string) => void;

const NAME = /^[A-Za-z_]\w*$/;

/**
 * Replaces `${NAME}` in values by the value in `env` without its last line break, which files of secrets bring. Reports
 * what is not set there, and values that were never filled in. `$${` stands for a literal `${`.
 */
export function expandVariables(
  value: unknown,
  env: NodeJS.ProcessEnv,
  path: readonly PropertyKey[],
  report: Report,
): unknown {
  if (typeof value === 'string') {
    const placeholder = whyPlaceholder(value, env);
    if (placeholder !== null) report(path, placeholder);
    return value.replace(/\$?\$\{([^}]*)\}/g, (whole, variable: string) => {
      if (whole.startsWith('$$')) return whole.slice(1);
      const found = env[variable]?.replace(/\r?\n$/, '');
      if (found === undefined || found === '') report(path, whyUnset(variable));
      else if (/[\r\n]/.test(found)) report(path, `the environment variable ${variable} has more than one line`);
      return found ?? 'unset';
    });
  }
  if (Array.isArray(value)) return value.map((item, i) => expandVariables(item, env, [...path, i], report));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, expandVariables(item, env, [...path, key], report)]),
    );
  }
  return value;
}

function whyUnset(variable: string): string {
  if (NAME.test(variable)) return `the environment variable ${variable} is not set`;
  const [, name] = /^([A-Za-z_]\w*):?[-+?=]/.exec(variable) ?? [];
  const instead =
    name === undefined ? 'expected a name of letters, digits and "_"' : `write \${${name}}; it must be set`;
  return `\${${variable}} is not understood: ${name === undefined ? '' : 'there are no default values; '}${instead}`;
}
