/**
 * What analysts may use. The lists were reviewed against the functions and tables of this version of the engine. After an
 * upgrade, look for new functions that read files, open connections or evaluate text as SQL, then set it (a test compares).
 */
export const REVIEWED_ENGINE = '26.7';

/** First words of read-only statements. */
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

/** First words of statements that a server refuses in readonly mode; any other word is a syntax error. */
export const WRITING: ReadonlySet<string> = new Set(
  (
    'alter attach backup begin call check commit copy create delete detach drop exchange execute grant insert kill ' +
    'move optimize parallel rename replace restore revoke rollback set start stop system truncate undrop update watch'
  ).split(' '),
);

/** What SHOW may show; not, for example, the statements of other users (PROCESSLIST). */
export const SHOWN: ReadonlySet<string> = new Set(
  (
    'columns create databases dictionaries engines fields functions index indexes indices keys setting settings ' +
    'tables'
  ).split(' '),
);

/**
 * Tables of `system` that clients read to learn about the server. The others reveal what other users run, which files
 * exist and how the machine is configured.
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
 * Table functions that generate their rows. Every other one that the engine has is refused: it reads files, other tables
 * or other machines, evaluates text, or takes the structure of a table as text, in which any function may compute a column
 * (`null('a String ALIAS file(…)')`; the structure of `values` is checked).
 */
export const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  // The engine refuses the table function in readonly mode; the string function is harmless.
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
 * Functions that read files, look for them, inspect the process or call other machines. The engine allows `file` in
 * readonly mode. Functions may be named without brackets (`arrayMap(file, …)`, `* APPLY(file)`), so the name alone is refused.
 */
export const FUNCTIONS =
  /^(?:file|hascolumnintable|catboostevaluate|ai[a-z]+|addressto\w+|demangle|showcertificate|getclienthttpheader)$/;
