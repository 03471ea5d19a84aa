/** What a thief with a minted login tries straight at the database, where the tools stand in functions. */

/** `$fn` is the function of `get_customer`, `$schema` its schema, `$owner` the role that owns it. */
export const THIEF_CASES: readonly (readonly [name: string, sql: string])[] = [
  ['another row', 'SELECT id, name, plan FROM customers WHERE id = 2'],
  ['every row', 'SELECT id FROM customers'],
  ['the number of rows', 'SELECT count(*) FROM customers'],
  ['whether a row is there', 'SELECT EXISTS (SELECT FROM customers WHERE id = 2)'],
  ['a whole row', 'SELECT c FROM customers c WHERE id = 1'],
  ['a column that a tool filters by', 'SELECT customer_id FROM orders'],
  ['rows by a cursor', 'DECLARE c CURSOR FOR SELECT id FROM customers'],
  ['rows by COPY', 'COPY (SELECT id FROM customers) TO STDOUT'],
  ['rows by a prepared statement', 'PREPARE p AS SELECT id FROM customers; EXECUTE p'],
  ['rows by query_to_xml', `SELECT query_to_xml('SELECT id FROM customers', true, false, '')`],
  ['rows by a DO block', `DO $$ BEGIN PERFORM id FROM customers; END $$`],
  ['rows by a view of its own', 'CREATE TEMP VIEW v AS SELECT id FROM customers; SELECT * FROM v'],
  ['the locks of rows', 'SELECT FROM customers FOR UPDATE'],
  ['the lock of the table', 'LOCK TABLE customers IN ACCESS SHARE MODE'],
  [
    'the statistics of the planner',
    `SELECT most_common_vals FROM pg_stats WHERE tablename = 'customers'`,
  ],
  ['another row changed', `UPDATE customers SET plan = 'free' WHERE id = 2`],
  ['its own row changed without the function', `UPDATE customers SET plan = 'free' WHERE id = 1`],
  ['a row added', `INSERT INTO orders (customer_id, amount_cents, status) VALUES (2, 1, 'paid')`],
  [
    'a row merged',
    'MERGE INTO customers c USING (SELECT 2 AS id) s ON c.id = s.id WHEN MATCHED THEN DELETE',
  ],
  ['a sequence', `SELECT nextval('orders_id_seq')`],
  ['more rows by an array', `SELECT * FROM $fn('{1,2}'::int[])`],
  ['another column of the function', 'SELECT email FROM $fn(2)'],
  ['a text for a number', `SELECT * FROM $fn('1 OR true')`],
  ['the role behind it', 'SET ROLE $owner'],
  ['the role behind it, for a transaction', 'SET LOCAL ROLE $owner; SELECT id FROM customers'],
  ['membership in it', 'GRANT $owner TO CURRENT_USER'],
  [
    'its body',
    'CREATE OR REPLACE FUNCTION $fn(sbx_in_1 int) RETURNS TABLE (id int, name text, plan text) LANGUAGE sql AS $$ SELECT id, email, notes FROM customers $$',
  ],
  ['its rights', 'ALTER FUNCTION $fn(int) SECURITY INVOKER'],
  ['its search path', 'ALTER FUNCTION $fn(int) SET search_path = pg_temp'],
  ['its owner', 'ALTER FUNCTION $fn(int) OWNER TO CURRENT_USER'],
  ['itself gone', 'DROP FUNCTION $fn(int)'],
  ['a function beside it', `CREATE FUNCTION $schema.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'`],
  ['its schema', 'DROP SCHEMA $schema CASCADE'],
  [
    'a table of its own in the way',
    `CREATE TEMP TABLE customers AS SELECT 2 AS id, 'x'::text AS name, 'x'::text AS plan;
     SET search_path = pg_temp, public; SELECT * FROM $fn(2) WHERE name = 'x'`,
  ],
  [
    'an operator of its own in the way',
    `CREATE FUNCTION pg_temp.yes(int, int) RETURNS bool LANGUAGE sql AS 'SELECT true';
     CREATE OPERATOR pg_temp.= (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_temp.yes);
     SET search_path = pg_temp, pg_catalog, public; SELECT * FROM $fn(-1)`,
  ],
  [
    'a filter that leaks',
    `CREATE FUNCTION pg_temp.tell(text) RETURNS bool LANGUAGE plpgsql COST 0.0001
       AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$;
     SELECT id FROM $fn(-1) WHERE pg_temp.tell(name)`,
  ],
  ['the plan of the function', 'EXPLAIN (VERBOSE) SELECT id FROM customers'],
  ['settings that the function would follow', `SET row_security = off; SELECT id FROM customers`],
];
