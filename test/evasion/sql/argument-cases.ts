/** What an agent may try by the arguments of a fixed statement. */
import type { JsonObject } from '../../../src/domain/json.ts';

export interface ArgumentCase {
  readonly name: string;
  readonly tool: string;
  readonly args: JsonObject;
  /** For a write: what must be true at the target afterwards. */
  readonly proof?: string;
}

const by = (
  tool: string,
  argument: string,
  values: { readonly [name: string]: unknown },
): ArgumentCase[] =>
  Object.entries(values).map(([name, value]) => ({
    name,
    tool,
    args: { [argument]: value } as JsonObject,
  }));

export const ARGUMENT_CASES: readonly ArgumentCase[] = [
  ...by('customers_in', 'city', {
    'a quote that ends the text': `' OR '1'='1`,
    'a comment behind it': `Graz' --`,
    'a second statement': `Graz'; DROP TABLE payroll; --`,
    'a union': `x' UNION SELECT id, email, notes FROM customers --`,
    'a union with a C comment': `x'/**/UNION/**/SELECT/**/1,comment,employee/**/FROM/**/payroll/*`,
    'a backslash before the quote': `\\' OR 1=1 --`,
    'an escape string': `E'\\x27 OR 1=1 --'`,
    'a unicode escape': `U&'\\0027 OR 1=1 --'`,
    'a dollar quote': `$$ OR 1=1 $$`,
    'a named dollar quote': `$x$; SELECT pg_sleep(1); $x$`,
    'a parameter of its own': '$1',
    'a named parameter': ':city',
    'a full-width quote': '＇ OR 1=1 --',
    'a modifier letter that looks like a quote': 'ʼ OR 1=1 --',
    'bytes of another character set (GBK)': '\u00bf\u0027 OR 1=1 --',
    'overlong quote as text': '%27%20OR%201=1--',
    'an entity': '&#39; OR 1=1 --',
    'a line break and a comment': `Graz'\n--\nOR 1=1`,
    'a carriage return': `Graz'\r\nOR 1=1`,
    'a backspace over the quote': `Graz\b' OR 1=1`,
    'a zero-width space': `Graz'\u200b OR 1=1 --`,
    'a right-to-left mark': `\u202e--1=1 RO 'zarG`,
    'a NUL': `Graz\u0000' OR 1=1 --`,
    'a lone surrogate': `Graz\ud800' OR 1=1`,
    'a cast in the text': `Graz'::text; SELECT 1`,
    'a call in the text': `'||leak_email(1)||'`,
    'ten thousand quotes': `'`.repeat(10_000),
    'longer than it may be': 'G'.repeat(100_000),
    'a number': 1,
    'a boolean': true,
    nothing: null,
    'a list': ['Graz', `' OR 1=1`],
    'an object': { toString: 'Graz' },
  }),
  ...by('get_customer', 'id', {
    'a condition': '1 OR 1=1',
    'a text that is a number': '1',
    'a fraction': 1.5,
    'more than 32 bits': 4_294_967_297,
    'more than 64 bits': 2 ** 64,
    'the largest double': 1.797e308,
    'less than nothing': -2_147_483_649,
    'minus nothing': -0,
    'a list': [1, 2],
    'an object': { id: 1 },
    nothing: null,
    true: true,
  }),
  ...by('get_customer_by_text', 'id', {
    'a condition': '1 OR 1=1',
    'a subquery': '(SELECT max(id) FROM payroll)',
    hexadecimal: '0x7fffffffffffffff',
    'with a call': `1+length(leak_email(1))`,
    NaN: 'NaN',
    'an array': '{1,2,3}',
    'white space and a statement': ' 1 ; DELETE FROM orders',
  }),
  ...by('customers_like', 'pattern', {
    'a condition': `%' OR email LIKE '%`,
    'an escape at the end': 'a\\',
    'an escaped quote': `\\' OR 1=1`,
    'ten thousand wildcards': '%_'.repeat(4_999),
  }),
  ...by('customers_matching', 'pattern', {
    'a pattern that explodes': '(((((a+)+)+)+)+)+$',
    'a back reference': '(.*)\\1{200}',
    'embedded options': `***:(?i)' OR 1=1`,
    'a broken pattern': '([',
    'a quote': `' || email || '`,
  }),
  ...by('orders_of', 'ids', {
    'a text as a list': '{1,2}',
    'a list in a list': [
      [1, 2],
      [3, 4],
    ],
    'a text that breaks out': ['1}', '2'],
    'a statement in an element': ["1,2}'; DROP TABLE payroll; --"],
    'more than it may hold': Array.from({ length: 20_000 }, (_, i) => i),
    'not one': [null],
  }),
  ...by('customers_in_any', 'cities', {
    'an element with the delimiter': ['Graz","Linz'],
    'an element with a closing brace': ['Graz"}', 'x'],
    'an element with a backslash at its end': ['Graz\\', '","Wien'],
    'an element that is NULL as a word': ['NULL'],
    'an element with a quote': [`' OR '1'='1`],
  }),
  ...by('by_filter', 'filter', {
    'another member': { plan: 'team', email: 'x' },
    'a text': `{"plan":"team"} ' OR 1=1`,
    'a list': [{ plan: 'team' }],
    'a prototype': JSON.parse('{"__proto__": {"plan": "team"}}'),
    'an object for the text': { plan: { $ne: '' } },
    'a NUL inside': { plan: 'team\u0000' },
    'a quote inside': { plan: `team' OR '1'='1` },
  }),
  ...by('newest', 'n', {
    'all of them': 9_007_199_254_740_991,
    'less than none': -1,
    'a word': 'ALL',
    'a subquery': '(SELECT 100)',
    'no limit': null,
    'a fraction': 0.5,
  }),
  ...by('since', 'at', {
    'a word of the database': 'infinity',
    'an expression': `now() - interval '1 day'`,
    'a statement': `2024-01-01'; DELETE FROM orders; --`,
  }),
  ...by('above', 'amount', {
    'a word': 'NaN',
    'an expression': '0 OR true',
    'near the end of numbers': 1e308,
  }),
  ...by('set_plan', 'plan', {
    'a second column': `team', email = 'mine`,
    'another row': `team' WHERE id = 2 --`,
    'every row': `team' --`,
    'a subquery': `(SELECT email FROM customers WHERE id = 2)`,
    'a returning': `team' RETURNING email --`,
    'a call with an effect': `'||leave_trace('x')||'`,
  }),
  {
    name: 'an argument that does not exist',
    tool: 'set_plan',
    args: { plan: 'team', id: 2 },
  },
  {
    name: 'an argument called like the statement',
    tool: 'get_customer',
    args: { id: 1, sql: 'select * from payroll', statement: 'drop table payroll' },
  },
  {
    name: 'a prototype beside the argument',
    tool: 'get_customer',
    args: JSON.parse(
      '{"id": 1, "__proto__": {"sql": "select 1"}, "constructor": {}}',
    ) as JsonObject,
  },
  { name: 'no argument at all', tool: 'get_customer', args: {} },
  {
    name: 'a second row of values',
    tool: 'add_order',
    args: { amount: 100, status: `open'), (2, 100, 'paid` },
  },
  {
    name: 'a conflict clause',
    tool: 'add_order',
    args: { amount: 100, status: `open') ON CONFLICT DO UPDATE SET amount_cents = 1 --` },
  },
  { name: 'a number that overflows', tool: 'add_order', args: { amount: 2 ** 63, status: 'open' } },
];

export const ARGUMENT_CONTROLS: readonly ArgumentCase[] = [
  ...by('customers_in', 'city', {
    'a city': 'Graz',
    'a city that is not there': 'Atlantis',
    'a name with a quote': `L'Aquila`,
    'two hyphens': 'Graz--Umgebung',
    'a semicolon': 'Graz; Linz',
    'letters of another script': 'Ζαγορά 東京',
    'a dollar': '$1',
    'the empty text': '',
  }),
  ...by('get_customer', 'id', { 'the first': 1, 'the last': 500, none: 501, 'a negative one': -1 }),
  ...by('get_customer_by_text', 'id', {
    'a number in a text': '7',
    'white space around it': ' 7 ',
  }),
  ...by('customers_like', 'pattern', {
    'a pattern': 'a%',
    'a wildcard in one place': '_n%',
    'a quote': `%'%`,
  }),
  ...by('customers_matching', 'pattern', {
    'a regular expression': '^A.*r$',
    alternatives: '(Ana|Eva)',
  }),
  ...by('orders_of', 'ids', { one: [1], several: [1, 2, 3], none: [] }),
  ...by('customers_in_any', 'cities', {
    two: ['Graz', 'Wien'],
    'one with a comma': ['Graz, Umgebung', 'Graz'],
  }),
  ...by('by_filter', 'filter', { 'a plan': { plan: 'team' }, 'no plan': {} }),
  ...by('newest', 'n', { three: 3, nothing: 0 }),
  ...by('since', 'at', {
    'a date': '2024-01-01',
    'a time with a zone': '2024-01-01T10:00:00+02:00',
  }),
  ...by('above', 'amount', { 'a number': 40_000 }),
  {
    name: 'the plan',
    tool: 'set_plan',
    args: { plan: 'business' },
    proof: `SELECT plan = 'business' FROM customers WHERE id = 1`,
  },
  {
    name: 'an order',
    tool: 'add_order',
    args: { amount: 4_200, status: 'open' },
    proof:
      'SELECT count(*) = 1 FROM orders WHERE customer_id = 1 AND amount_cents = 4200 AND id > 1500',
  },
];
