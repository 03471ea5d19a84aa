/**
 * What a tool's statement may call. A list of names, because volatility is only a declaration: `query_to_xml` is
 * declared harmless and runs any SQL, and so does `ts_rewrite(query, text)`. Names are of `pg_catalog`; that a name
 * really resolves there is checked in the live catalogue, where everything outside `pg_catalog` is a dependency.
 */
const TEXT =
  'ascii bit_length btrim casefold char_length character_length chr concat concat_ws decode encode ' +
  'format initcap is_normalized left length like_escape lower lpad ltrim md5 normalize octet_length ' +
  'overlay position quote_ident quote_literal quote_nullable regexp_count regexp_instr regexp_like ' +
  'regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table ' +
  'regexp_substr repeat replace reverse right rpad rtrim sha224 sha256 sha384 sha512 ' +
  'similar_to_escape split_part starts_with string_to_array string_to_table strpos substr substring ' +
  'to_hex translate trim unistr upper';
const NUMBERS =
  'abs acos asin atan atan2 cbrt ceil ceiling cos cot degrees div exp factorial floor gcd lcm ln log ' +
  'log10 min_scale mod pi power radians round scale sign sin sqrt tan trim_scale trunc width_bucket';
const TIMES =
  'age date_add date_bin date_part date_subtract date_trunc extract isfinite justify_days ' +
  'justify_hours justify_interval make_date make_interval make_time make_timestamp ' +
  'make_timestamptz now overlaps statement_timestamp timezone to_char to_date to_number ' +
  'to_timestamp transaction_timestamp';
const AGGREGATES =
  'any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp ' +
  'every json_agg json_agg_strict json_object_agg json_object_agg_strict json_object_agg_unique ' +
  'json_object_agg_unique_strict jsonb_agg jsonb_agg_strict jsonb_object_agg ' +
  'jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict max min mode ' +
  'percentile_cont percentile_disc range_agg range_intersect_agg regr_avgx regr_avgy regr_count ' +
  'regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp ' +
  'string_agg sum var_pop var_samp variance';
const WINDOWS =
  'cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number';
const JSON_FUNCTIONS =
  'array_to_json json_array_elements json_array_elements_text json_array_length json_build_array ' +
  'json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object ' +
  'json_object_keys json_strip_nulls json_to_record json_to_recordset json_typeof ' +
  'jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array ' +
  'jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text ' +
  'jsonb_insert jsonb_object jsonb_object_keys jsonb_path_exists jsonb_path_match jsonb_path_query ' +
  'jsonb_path_query_array jsonb_path_query_first jsonb_pretty jsonb_set jsonb_set_lax ' +
  'jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb';
const ARRAYS =
  'array_append array_cat array_dims array_length array_lower array_ndims array_position ' +
  'array_positions array_prepend array_remove array_replace array_reverse array_sort ' +
  'array_to_string array_upper cardinality generate_series generate_subscripts trim_array unnest';
const RANGES =
  'daterange int4range int8range isempty lower_inc lower_inf multirange numrange range_merge ' +
  'tsrange tstzrange upper_inc upper_inf';
const OTHER =
  'broadcast family gen_random_uuid host hostmask inet_merge inet_same_family masklen netmask ' +
  'network num_nonnulls num_nulls numnode plainto_tsquery phraseto_tsquery setweight set_masklen ' +
  'strip to_tsquery to_tsvector ts_delete ts_filter ts_headline ts_rank ts_rank_cd ' +
  'tsvector_to_array uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7 websearch_to_tsquery';

export const ALLOWED_FUNCTIONS: ReadonlySet<string> = new Set(
  [TEXT, NUMBERS, TIMES, AGGREGATES, WINDOWS, JSON_FUNCTIONS, ARRAYS, RANGES, OTHER].flatMap(
    (names) => names.split(' '),
  ),
);

/** Extensions whose functions and operators only compute; volatile ones are refused all the same. */
export const ALLOWED_EXTENSIONS: ReadonlySet<string> = new Set([
  'btree_gin',
  'btree_gist',
  'citext',
  'cube',
  'fuzzystrmatch',
  'hstore',
  'intarray',
  'isn',
  'ltree',
  'pg_trgm',
  'seg',
  'unaccent',
]);

/** Types of `pg_catalog` a statement may cast to. `regclass` and its kin look into the catalogue; `xml` has side doors. */
export const ALLOWED_TYPES: ReadonlySet<string> = new Set(
  (
    'bit bool boolean box bpchar bytea char cidr circle date datemultirange daterange float4 float8 ' +
    'inet int2 int4 int4multirange int4range int8 int8multirange int8range interval json jsonb ' +
    'jsonpath line lseg macaddr macaddr8 money numeric nummultirange numrange path point polygon ' +
    'text time timestamp timestamptz timetz tsmultirange tsquery tsrange tstzmultirange tstzrange ' +
    'tsvector uuid varbit varchar'
  ).split(' '),
);

/** The SQL-standard words that are values of time. The others (`CURRENT_USER`, …) name roles and catalogues. */
export const ALLOWED_VALUE_WORDS: ReadonlySet<string> = new Set(
  ['DATE', 'TIME', 'TIME_N', 'TIMESTAMP', 'TIMESTAMP_N']
    .map((word) => `SVFOP_CURRENT_${word}`)
    .concat(['TIME', 'TIME_N', 'TIMESTAMP', 'TIMESTAMP_N'].map((word) => `SVFOP_LOCAL${word}`)),
);
