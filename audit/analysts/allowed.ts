/**
 * What analysts may use. The lists were read against the functions and tables of this version of the engine: after an
 * upgrade look for new functions that read files, reach out or evaluate text as SQL, then set it (a test compares).
 */
export const REVIEWED_ENGINE = '26.7';

/** First words of statements that only read. */
export const READING: ReadonlySet<string> = new Set([
  'select',
  'with',
  'from',
  'show',
  'describe',
  'desc',
  'explain',
  'exists',
]);

/** First words of statements that a server knows and refuses to readers; any other is a syntax error. */
export const WRITING: ReadonlySet<string> = new Set(
  (
    'alter attach backup begin call check commit copy create delete detach drop exchange execute grant insert kill ' +
    'move optimize parallel rename replace restore revoke rollback set start stop system truncate undrop update watch'
  ).split(' '),
);

/** What may be shown; not, for example, the statements of others (PROCESSLIST). */
export const SHOWN: ReadonlySet<string> = new Set(
  (
    'columns create databases dictionaries engines fields functions index indexes indices keys setting settings ' +
    'tables'
  ).split(' '),
);

/**
 * Tables of `system` that clients read to know the server. The others tell what other people run, which files there are
 * and how the machine is set up.
 */
export const SYSTEM_TABLES: ReadonlySet<string> = new Set(
  (
    'aggregate_function_combinators build_options clusters collations columns constraints contributors current_roles ' +
    'data_skipping_indices data_type_families databases dictionaries enabled_roles formats functions keywords ' +
    'licenses macros merge_tree_settings numbers numbers_mt one primes privileges projections roles settings ' +
    'table_engines table_functions tables time_zones zeros zeros_mt'
  ).split(' '),
);

/**
 * Table functions that make their rows themselves. Every other one that the engine knows is refused: it reads files,
 * other tables or other machines, evaluates text, or takes the structure of a table as text, in which a column may be
 * computed by any function (`null('a String ALIAS file(…)')`; the structure of `values` is looked through).
 */
export const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  // As a table function the engine refuses it to readers; as a function on strings it is harmless.
  'format',
  'generate_series',
  'generateseries',
  'numbers',
  'numbers_mt',
  'primes',
  'values',
  'view',
  'zeros',
  'zeros_mt',
]);

/**
 * Functions that read files, look for them, look into the process or call others. The engine does not refuse `file` to readers. They
 * may be named without brackets (`arrayMap(file, …)`, `* APPLY(file)`), so the name alone is refused.
 */
export const FUNCTIONS =
  /^(?:file|hascolumnintable|catboostevaluate|ai[a-z]+|addressto\w+|demangle|showcertificate|getclienthttpheader)$/;
