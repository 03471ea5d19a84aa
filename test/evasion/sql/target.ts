/**
 * The PostgreSQL that the SQL cases are tried on: the acme company, with secrets in every place that a tool must not
 * reach, and everything that a careless administrator may have left around. It is asked, as its superuser, what changed;
 * its own log says which statements were completed.
 */
import { type AcmePostgres, startPostgres } from '../../../examples/acme/postgres.ts';
import { type Acme, createAcme } from '../../../examples/acme/schema.ts';
import { TRAPS } from './traps.ts';

export interface SqlTarget {
  readonly acme: Acme;
  readonly server: AcmePostgres;
  /** As the superuser, one statement. */
  rows(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Everything that must not change, by name. The plan of customer 1 and his newer orders are the tools' own. */
  state(): Promise<ReadonlyMap<string, string>>;
  /** What minted logins completed since the last time this was asked. */
  completed(): Promise<string[]>;
  stop(): Promise<void>;
}

export type Row = Record<string, unknown>;

/** Stands in every text that must not come out; numbers that must not come out begin with `CANARY_NUMBER`. */
export const CANARY = 'canary';
export const CANARY_NUMBER = '88877766';

export async function openTarget(): Promise<SqlTarget> {
  const log = new Completed();
  const server = await startPostgres({ durable: false, log: (line) => log.read(line) });
  try {
    const acme = await createAcme(server);
    const rows = async (sql: string, values: readonly unknown[] = []): Promise<Row[]> =>
      (await server.query<Row>(sql, values, acme.database)).rows;
    for (const trap of TRAPS) await rows(trap);
    for (const setting of [
      "log_line_prefix = '%u '",
      'log_min_duration_statement = 0',
      'log_parameter_max_length = 0',
      'log_error_verbosity = terse',
    ])
      await server.query(`ALTER SYSTEM SET ${setting}`);
    await server.query('SELECT pg_reload_conf()');
    await log.caughtUp((mark) => server.query(`SELECT '${mark}'`));
    return {
      acme,
      server,
      rows,
      state: () => stateOf(rows),
      async completed() {
        await log.caughtUp((mark) => server.query(`SELECT '${mark}'`));
        return log.taken();
      },
      stop: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Rows of every table but what the tools may change, and whatever else a session can leave behind. */
const STATE = `
  SELECT 'rows of customers' AS what, md5(string_agg(CASE WHEN id = 1
    THEN (to_jsonb(c) - 'plan')::text ELSE c::text END, '|' ORDER BY id)) AS is FROM customers c
  UNION ALL SELECT 'rows of orders', md5(string_agg(o::text, '|' ORDER BY id)) FROM orders o
    WHERE NOT (customer_id = 1 AND id > 1500)
  UNION ALL SELECT 'rows of audit_log', count(*)::text FROM audit_log
  UNION ALL SELECT 'rows of payroll', md5(string_agg(p::text, '|' ORDER BY id)) FROM payroll p
  UNION ALL SELECT 'rows of vault.keys', md5(string_agg(k::text, '|' ORDER BY id)) FROM vault.keys k
  UNION ALL SELECT 'rows of side_effects', count(*)::text FROM side_effects
  UNION ALL SELECT 'sequences', md5(string_agg(format('%s %s', sequencename,
      CASE WHEN sequencename = 'orders_id_seq' THEN 0 ELSE last_value END), '|' ORDER BY sequencename))
    FROM pg_sequences
  UNION ALL SELECT 'relations', md5(string_agg(format('%s %s %s %s', oid, relname, relkind, relacl), '|' ORDER BY oid))
    FROM pg_class WHERE relkind <> 't' AND NOT relname ~ '^pg_toast' AND relpersistence <> 't'
  UNION ALL SELECT 'temporary relations', count(*)::text FROM pg_class WHERE relpersistence = 't'
  UNION ALL SELECT 'functions', md5(string_agg(format('%s %s %s', oid, proname, md5(prosrc)), '|' ORDER BY oid))
    FROM pg_proc WHERE pronamespace <> 'pg_catalog'::regnamespace
  UNION ALL SELECT 'roles', md5(string_agg(format('%s %s %s', rolname, rolsuper, rolcreaterole), '|' ORDER BY rolname))
    FROM pg_roles WHERE rolname !~ '^sbxrole_'
  UNION ALL SELECT 'large objects', md5(string_agg(format('%s %s', loid, md5(data)), '|' ORDER BY loid, pageno))
    FROM pg_largeobject
  UNION ALL SELECT 'settings', md5(string_agg(format('%s %s', setrole::regrole, setconfig), '|' ORDER BY setrole))
    FROM pg_db_role_setting WHERE setrole::regrole::text !~ 'sbxrole_'
  UNION ALL SELECT 'advisory locks', count(*)::text FROM pg_locks WHERE locktype = 'advisory'
  UNION ALL SELECT 'row and table locks', count(*)::text FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.pid <> pg_backend_pid() AND c.relnamespace = 'public'::regnamespace
  UNION ALL SELECT 'prepared transactions', count(*)::text FROM pg_prepared_xacts
  UNION ALL SELECT 'listeners', count(*)::text FROM pg_stat_activity WHERE query ~* '^listen'
  UNION ALL SELECT 'databases', string_agg(datname, ',' ORDER BY datname) FROM pg_database
  UNION ALL SELECT 'replication slots', count(*)::text FROM pg_replication_slots`;

async function stateOf(rows: SqlTarget['rows']): Promise<Map<string, string>> {
  const found = await rows(STATE);
  return new Map(found.map(({ what, is }) => [String(what), String(is)]));
}

const LINE = /^(\S+) LOG: {2}duration: \S+ ms {2}(?:statement|execute [^:]*): (.*)$/s;
const MORE = /^\t(.*)$/s;

/** The server's log, statement by statement: a text of several lines goes on after a tab. */
class Completed {
  #found: string[] = [];
  #open: { user: string; text: string } | null = null;
  readonly #waiting = new Map<string, () => void>();
  #marks = 0;

  read(line: string): void {
    const more = MORE.exec(line);
    if (more !== null) {
      if (this.#open !== null) this.#open.text += `\n${more[1]}`;
      return;
    }
    this.#close();
    const [, user, text = ''] = LINE.exec(line) ?? [];
    if (user === undefined) return;
    for (const [mark, wake] of this.#waiting)
      if (text.includes(mark)) {
        this.#waiting.delete(mark);
        wake();
        return;
      }
    this.#open = { user, text };
  }

  taken(): string[] {
    this.#close();
    const found = this.#found;
    this.#found = [];
    return found;
  }

  async caughtUp(say: (mark: string) => Promise<unknown>): Promise<void> {
    const mark = `caught-up-${++this.#marks}-`;
    const seen = new Promise<void>((resolve) => this.#waiting.set(mark, resolve));
    await say(mark);
    // a setting that is being read anew may miss the first
    const again = setInterval(() => void say(mark).catch(() => {}), 200);
    await seen.finally(() => clearInterval(again));
  }

  #close(): void {
    if (this.#open?.user.startsWith('sbxrole_')) this.#found.push(this.#open.text);
    this.#open = null;
  }
}
