/**
 * What a database administrator runs once so that Signalbox can hand out narrow, short-lived
 * credentials: `psql -d <database> -v broker_password=… -f admin-setup.sql` (PostgreSQL 14 to 18).
 *
 * The result is one login role, `signalbox_broker`, that owns one empty schema and is no superuser. It can
 *  - create roles, and administer those it created and no others (the rule since PostgreSQL 16);
 *  - hand out the listed privileges on the listed tables, because it holds them WITH GRANT OPTION;
 *  - make the functions of tools with `enforce: function`, in a schema of its own.
 *
 * That is enough, tried in schema.test.ts as the broker, for the whole life of a credential:
 *  - one NOLOGIN role per grant set, with `GRANT SELECT (columns) | UPDATE | DELETE ON table`;
 *  - a run's LOGIN role with VALID UNTIL, made its member by `WITH INHERIT TRUE, SET FALSE`;
 *  - `GRANT run_role TO signalbox_broker WITH INHERIT TRUE, SET FALSE`: creating a role gives its
 *    creator ADMIN only, and without INHERIT `pg_terminate_backend` answers 42501 and
 *    `pg_stat_activity` hides the role's state. `pg_signal_backend` is not needed: it would reach
 *    every session that is not a superuser's;
 *  - ALTER ROLE … NOLOGIN (open sessions go on), pg_terminate_backend, DROP ROLE, which takes the
 *    memberships along. A grant-set role can be dropped once its privileges are revoked (2BP01).
 *
 * What it cannot do (42501 each, same test): make a superuser or a role with REPLICATION, BYPASSRLS
 * or CREATEDB, join or alter `acme_owner` or a predefined role, change or drop a table, TRUNCATE,
 * disable a trigger, reach a table that is not listed, end another role's session.
 *
 * A GRANT of more than it holds succeeds for the part it holds, with no more than a warning
 * (01007): whoever sends one reads back what came of it (`has_table_privilege`).
 *
 * What it can do, and should be guarded for: read and change the listed tables itself, since
 * PostgreSQL has no grant option without the privilege. List columns (`GRANT SELECT (id, name) …
 * WITH GRANT OPTION`) to keep the others out of its reach, and so out of every tool's.
 *
 * Measured on two cores over loopback, 60 lives: grant set 1 ms, run role with both memberships in
 * one round trip 2.2 ms, connect 5.2 ms, NOLOGIN 0.6 ms, terminate until the socket closed 2.5 ms,
 * gone from pg_stat_activity 0.8 ms later, drop 0.6 ms. `pg_terminate_backend(pid, timeout)` looks
 * only every 100 ms: without the timeout, and looking for oneself, it is forty times faster.
 *
 * PostgreSQL 14 and 15: CREATEROLE administers every role that is no superuser, and membership has no INHERIT or SET option. A
 * broker can grant itself `pg_execute_server_program` there (same test): guard its password as a superuser's.
 */

/** Once per server. */
export const ADMIN_ROLE = `\
CREATE ROLE signalbox_broker LOGIN CREATEROLE
  NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 20
  PASSWORD :'broker_password';
`;

/** Once per database: exactly what the tools of this deployment may ever be given. */
export const ADMIN_GRANTS = `\
GRANT CONNECT ON DATABASE :"DBNAME" TO signalbox_broker WITH GRANT OPTION;
GRANT TEMPORARY ON DATABASE :"DBNAME" TO signalbox_broker;
GRANT USAGE ON SCHEMA public TO signalbox_broker WITH GRANT OPTION;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.customers, public.orders
  TO signalbox_broker WITH GRANT OPTION;
CREATE SCHEMA IF NOT EXISTS signalbox AUTHORIZATION signalbox_broker;
-- closed since PostgreSQL 15 where the database is no older: else every login may make things there
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
`;

export const ADMIN_SETUP: string = ADMIN_ROLE + ADMIN_GRANTS;

/** Optional, for a database whose every user is known: take away what PUBLIC adds to each role. */
export const ADMIN_HARDENING = `\
REVOKE CONNECT, TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
`;
