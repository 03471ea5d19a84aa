import { createHash } from 'node:crypto';
import { constants, DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { Deed } from './binding.ts';
import { changesIn } from './changeset.ts';
import type { Answer, Question, Ran, Row, Statement, Studied } from './wire.ts';

/** How long it waits for another writer of the file. */
const BUSY_MS = 2_000;
/** Of one value or one row: a width that a statement takes from an argument makes no gigabyte. */
const MOST_BYTES = 32 * 1024 * 1024;

const DEEDS: ReadonlyMap<number, string> = new Map(
  Object.entries(constants)
    .filter(([name]) => /^SQLITE_(?!CHANGESET|OK$|DENY$|IGNORE$)/.test(name))
    .map(([name, code]) => [code, name.slice('SQLITE_'.length)]),
);

/** The process's own connection to the file. One question at a time; a write stays open until it is told how it ends. */
export class Keeper {
  readonly #database: DatabaseSync;
  /** What is asked for is written down, or compared with what may be done. */
  #asked: Deed[] | null = null;
  #may: ReadonlySet<string> | 'all' = 'all';

  constructor(file: string, readOnly: boolean) {
    // fails where there is no file: none is ever made
    new DatabaseSync(file, { readOnly: true }).close();
    this.#database = new DatabaseSync(file, {
      readOnly,
      enableForeignKeyConstraints: true,
      enableDoubleQuotedStringLiterals: false,
      allowExtension: false,
      timeout: BUSY_MS,
      limits: { length: MOST_BYTES, attach: 0 },
    });
    this.#database.enableDefensive(true);
    this.#database.setAuthorizer((code, first, second, database, by) => {
      const deed: Deed = {
        what: DEEDS.get(code) ?? `deed ${code}`,
        first: first ?? '',
        second: second ?? '',
        by: by ?? '',
      };
      // another database than the file itself
      if (database !== null && database !== 'main') return constants.SQLITE_DENY;
      if (this.#asked !== null) this.#asked.push(deed);
      if (this.#may === 'all' || this.#may.has(keyOf(deed))) return constants.SQLITE_OK;
      return constants.SQLITE_DENY;
    });
  }

  answer(question: Question): Answer {
    try {
      return { ok: true, value: this.#answered(question) };
    } catch (error) {
      if (error instanceof Drifted) return { ok: false, why: 'drifted', message: error.message };
      const { errcode, message } = error as { errcode?: number; message: string };
      const busy = errcode === 5 || errcode === 6 || errcode === 517;
      return { ok: false, why: busy ? 'busy' : 'refused', message };
    }
  }

  close(): void {
    this.#database.close();
  }

  #answered(question: Question): Studied | Ran | null {
    switch (question.ask) {
      case 'study':
        return this.#study(question.sql);
      case 'read':
        return this.#inside('BEGIN', question, () => this.#run(question), 'ROLLBACK');
      case 'write':
        return this.#inside('BEGIN IMMEDIATE', question, () => this.#measured(question), null);
      case 'commit':
        this.#own('COMMIT');
        return null;
      case 'rollback':
        if (this.#database.isTransaction) this.#own('ROLLBACK');
        return null;
    }
  }

  /** Prepared, never run: what it asks the authorizer for is all that it can do. */
  #study(sql: string): Studied {
    const asked: Deed[] = [];
    this.#asked = asked;
    let columns: string[];
    try {
      columns = this.#database
        .prepare(sql)
        .columns()
        .map(({ name }) => name);
    } finally {
      this.#asked = null;
    }
    const deeds = distinct(asked);
    const tables = [
      ...new Set(
        deeds
          .filter(({ what }) => ['READ', 'INSERT', 'UPDATE', 'DELETE'].includes(what))
          .map(({ first }) => first),
      ),
    ].sort();
    const makers = new Set(deeds.map(({ by }) => by));
    const triggers = this.#all(
      `SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' ORDER BY name`,
    )
      .map(({ name, sql: text }) => ({ name: String(name), sql: String(text) }))
      .filter(({ name }) => makers.has(name));
    return { deeds, columns, tables, fingerprint: this.#fingerprint(tables), triggers };
  }

  #inside(begin: string, statement: Statement, work: () => Ran, end: string | null): Ran {
    this.#own(begin);
    try {
      if (this.#fingerprint(statement.tables) !== statement.fingerprint) throw new Drifted();
      const ran = work();
      if (end !== null) this.#own(end);
      return ran;
    } catch (error) {
      if (this.#database.isTransaction) this.#own('ROLLBACK');
      throw error;
    }
  }

  #measured(statement: Statement): Ran {
    const session = this.#database.createSession();
    try {
      const before = this.#changes();
      const ran = this.#run(statement);
      const changed = this.#changes() - before;
      const changes = changesIn(session.changeset(), (table) => this.#columnsOf(table));
      return { ...ran, changed, changes };
    } finally {
      session.close();
    }
  }

  #run({ sql, values, deeds, maxRows }: Statement): Ran {
    const prepared = this.#prepared(sql, deeds);
    prepared.setReadBigInts(true);
    const rows: Row[] = [];
    let more = false;
    // a write is run to its end, whatever of it is shown
    for (const row of prepared.iterate(values as Record<string, SQLInputValue>)) {
      if (rows.length < maxRows) rows.push(row as unknown as Row);
      else {
        more = true;
        if (!deeds.some(isWrite)) break;
      }
    }
    const columns = prepared.columns().map(({ name }) => name);
    return { columns, rows, more, changed: 0, changes: [] };
  }

  /**
   * Refused by SQLite when it asks for more than it may. Not while it runs: the session looks at tables then, and the
   * schema, read in this transaction already, cannot change.
   */
  #prepared(sql: string, deeds: readonly Deed[]): StatementSync {
    this.#may = new Set(deeds.map(keyOf));
    try {
      return this.#database.prepare(sql);
    } finally {
      this.#may = 'all';
    }
  }

  #changes(): number {
    return Number(this.#all('SELECT total_changes() AS n')[0]?.n);
  }

  #columnsOf(table: string): string[] {
    const rows = this.#all('SELECT name FROM pragma_table_info(?) ORDER BY cid', table);
    return rows.map(({ name }) => String(name));
  }

  /** The definitions of these tables and views, their indexes and triggers. */
  #fingerprint(tables: readonly string[]): string {
    const rows = this.#all(
      `SELECT type, name, tbl_name, sql FROM main.sqlite_schema
       WHERE tbl_name IN (SELECT value FROM json_each(?)) ORDER BY type, name`,
      JSON.stringify(tables),
    );
    return createHash('sha256')
      .update(JSON.stringify(rows.map(Object.values)))
      .digest('hex');
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#database.prepare(sql).all(...values) as unknown as Row[];
  }

  #own(sql: string): void {
    this.#database.exec(sql);
  }
}

class Drifted extends Error {
  constructor() {
    super('its tables or triggers changed since the plan');
  }
}

function isWrite({ what }: Deed): boolean {
  return what === 'INSERT' || what === 'UPDATE' || what === 'DELETE';
}

function keyOf({ what, first, second, by }: Deed): string {
  return JSON.stringify([what, first, second, by]);
}

function distinct(deeds: readonly Deed[]): Deed[] {
  return [...new Map(deeds.map((deed) => [keyOf(deed), deed])).values()];
}
