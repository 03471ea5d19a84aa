/** What a statement may call: functions that only compute. `load_extension`, `readfile`, `fts3_tokenizer` and the like are not here. */
const NAMES =
  'abs avg ceil ceiling char coalesce concat concat_ws count cume_dist date datetime dense_rank exp first_value floor format ' +
  'glob group_concat hex ifnull iif instr json json_array json_array_length json_each json_extract json_group_array ' +
  'json_group_object json_insert json_object json_patch json_quote json_remove json_replace json_set json_tree json_type ' +
  'json_valid jsonb julianday lag last_value lead length like ln log log10 log2 lower ltrim max min mod nth_value ntile ' +
  'nullif octet_length percent_rank pi pow power printf quote random randomblob rank replace round row_number rtrim sign ' +
  'sqrt strftime string_agg substr substring sum time timediff total trim trunc typeof unhex unicode unixepoch upper';

export const ALLOWED_FUNCTIONS: ReadonlySet<string> = new Set([...NAMES.split(' '), '->', '->>']);

/** Tables that a statement makes by calling one of those. */
export const TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['json_each', 'json_tree']);
