type Report = (path: readonly PropertyKey[], message: string) => void;

/**
 * Replaces `${NAME}` in values by the value in `env`, and reports what is not set there. `$${` stands for a literal
 * `${`.
 */
export function expandVariables(
  value: unknown,
  env: NodeJS.ProcessEnv,
  path: readonly PropertyKey[],
  report: Report,
): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$?\$\{([^}]*)\}/g, (whole, variable: string) => {
      if (whole.startsWith('$$')) return whole.slice(1);
      const found = env[variable];
      if (found === undefined || found === '') report(path, `the environment variable ${variable} is not set`);
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
