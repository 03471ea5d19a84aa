import type { Evidence } from '../../src/store/evidence.ts';
import { openSqliteCore, type SqliteCore } from '../../src/store/sqlite/core.ts';
import { SQLITE_CONSTRAINT, sqliteCode } from '../../src/store/sqlite/database.ts';
import { verifyDatabase } from '../../src/store/sqlite/evidence.ts';
import { storeOver } from '../../src/store/sqlite/store.ts';
import { MASTER_KEY, stillDoors, T0 } from './store-cast.ts';
import { everyKind } from './store-everything.ts';

export type Value = string | number | Uint8Array | null;

/** A store that has seen every kind of record, and a hand that changes it behind its back. */
export class Victim {
  readonly core: SqliteCore;

  constructor(core: SqliteCore) {
    this.core = core;
    // Whoever can edit the file can drop what guards it.
    core.database.raw.exec(`PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
      DROP TRIGGER events_keep_update; DROP TRIGGER events_keep_delete`);
  }

  static async open(): Promise<Victim> {
    const doors = stillDoors();
    const { bytes } = doors.entropy;
    const core = openSqliteCore({ file: ':memory:', masterKey: MASTER_KEY, bytes, at: T0 });
    const store = storeOver(core, MASTER_KEY, doors);
    await everyKind(store);
    await store.close();
    return new Victim(core);
  }

  rows(table: string, columns = '*'): Record<string, Value>[] {
    return this.core.database.all(`SELECT ${columns} FROM ${table}`);
  }

  verify(masterKey: Uint8Array | null = MASTER_KEY): Promise<Evidence> {
    return verifyDatabase(this.core.database, { masterKey });
  }

  /** What verify says while `sql` is in effect; null when the database itself refused it. */
  async during(sql: string, ...values: Value[]): Promise<Evidence | null> {
    const { database } = this.core;
    database.raw.exec('BEGIN');
    try {
      database.run(sql, ...values);
      return await this.verify();
    } catch (error) {
      if (sqliteCode(error) === SQLITE_CONSTRAINT) return null;
      throw error;
    } finally {
      database.raw.exec('ROLLBACK');
    }
  }
}
