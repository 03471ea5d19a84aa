import { SignalboxError } from '../../domain/errors.ts';
import {
  type CarriedHead,
  type CarriedTable,
  inOrder,
  notEmpty,
  type Source,
  type Target,
  type Value,
} from '../carry/carry.ts';
import { MIGRATIONS } from '../migrations/all.ts';
import { requireKnown } from '../schema.ts';
import type { PostgresAddress } from './address.ts';
import { gateKey } from './locks.ts';
import { migrate, takenSteps } from './migrate.ts';
import { downBecause, Session, UNHURRIED } from './session.ts';

const PAGE = 500;
const PATIENCE = { ...UNHURRIED, queryMs: 30 * 60_000, lockMs: 10_000 };
/** A replica that beat within this long is there. */
const THERE_MS = 30_000;

const HEAD = {
  name: 'carried-head',
  text: `SELECT ledger, key_check AS "keyCheck", (SELECT max(number) FROM migrations) AS schema
    FROM control`,
};
const TABLES = {
  name: 'carried-tables',
  text: `SELECT relname AS name FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'`,
};
const COLUMNS = {
  name: 'carried-columns',
  text: `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
    WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
};
const THERE = {
  name: 'who-is-there',
  text: `SELECT count(*) AS n FROM replicas
    WHERE heard_at > clock_timestamp() - $1 * interval '1 millisecond'`,
};
const FETCH = { name: 'fetch', text: `FETCH ${PAGE} FROM carried` };

interface Column {
  readonly name: string;
  readonly type: string;
}

/** Reads a database as it is at one moment. `alone`: refused while replicas are there; none can write meanwhile. */
export class PostgresSource implements Source {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  /** Throws SignalboxError `STORE_DOWN`, `STORE_LOCKED`, `STORE_NEWER`. */
  static async open(address: PostgresAddress, alone: boolean): Promise<PostgresSource> {
    const session = await Session.open(address, { use: 'carry', patience: PATIENCE });
    try {
      const taken = await takenSteps(session);
      if (taken.length === 0) throw new SignalboxError('STORE_DOWN', 'the database has no store');
      requireKnown(taken, 'postgres');
      if (alone) {
        await session.say(`SELECT pg_advisory_lock(${gateKey(session.key)})`);
        await requireNobody(session);
      }
      await session.say('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      return new PostgresSource(session);
    } catch (error) {
      session.destroy();
      throw downBecause(error);
    }
  }

  async head(): Promise<CarriedHead> {
    const [head] = await this.#session.rows<CarriedHead>(HEAD, []);
    if (head === undefined) throw new SignalboxError('STORE_DOWN', 'the store is empty');
    return head;
  }

  async *tables(): AsyncGenerator<CarriedTable> {
    const names = (await this.#session.rows<{ name: string }>(TABLES, [])).map(({ name }) => name);
    const isSealed = names.includes('leaves');
    for (const name of inOrder(names)) {
      const columns = (await columnsOf(this.#session, name)).map((column) => column.name);
      yield { name, columns, pages: this.#pages(name, columns, isSealed) };
    }
  }

  async close(): Promise<void> {
    await this.#session.end();
  }

  async *#pages(
    table: string,
    columns: readonly string[],
    isSealed: boolean,
  ): AsyncGenerator<Value[][]> {
    const list = columns.map((column) => `"${column}"`).join(', ');
    const from = table === 'events' ? eventsFrom(isSealed) : `"${table}"`;
    const order = { events: ' ORDER BY id', runs: ' ORDER BY depth' }[table] ?? '';
    await this.#session.say(
      `DECLARE carried NO SCROLL CURSOR FOR SELECT ${list} FROM ${from}${order}`,
    );
    for (;;) {
      const rows = await this.#session.rows<Record<string, Value>>(
        { ...FETCH, name: `fetch ${table}` },
        [],
      );
      yield rows.map((row) => columns.map((column) => row[column] ?? null));
      if (rows.length < PAGE) break;
    }
    await this.#session.say('CLOSE carried');
  }
}

/** Throws SignalboxError `STORE_LOCKED`; also for one that is cut off, until it is known to be gone. */
export async function requireNobody(session: Session): Promise<void> {
  const [there] = await session.rows<{ n: number }>(THERE, [THERE_MS]);
  if (there?.n !== 0) throw inUse(`${there?.n} replicas use the database`);
}

export function inUse(why: string): SignalboxError {
  return new SignalboxError('STORE_LOCKED', why, {
    help: 'stop every replica first; one that was killed is forgotten in half a minute',
  });
}

/** Records with a place of their own, dense: that of their leaf where they are sealed, those that wait after them. */
function eventsFrom(isSealed: boolean): string {
  const place = isSealed ? 'leaf NULLS LAST, events.id' : 'events.id';
  const leaves = isSealed ? 'LEFT JOIN leaves ON leaves.event = events.id' : '';
  return `(SELECT row_number() OVER (ORDER BY ${place}) AS id, chain, seq, at, type, body, previous,
    hash FROM events ${leaves}) AS placed`;
}

/** Makes a store in a schema that has none. */
export class PostgresTarget implements Target {
  readonly #address: PostgresAddress;
  readonly #at: number;
  #session: Session | null = null;
  readonly #columns = new Map<string, readonly Column[]>();

  /** `at`: ms since the epoch. */
  constructor(address: PostgresAddress, at: number) {
    this.#address = address;
    this.#at = at;
  }

  async begin({ schema }: CarriedHead): Promise<void> {
    const probe = await Session.open(this.#address, { use: 'carry', patience: PATIENCE });
    try {
      const isMade = (await takenSteps(probe)).length > 0;
      if (isMade && (await probe.rows(HEAD, [])).length > 0) throw notEmpty('the database');
    } finally {
      await probe.end();
    }
    const steps = MIGRATIONS.filter(({ number }) => number <= schema);
    if (steps.at(-1)?.number !== schema)
      throw new SignalboxError(
        'STORE_NEWER',
        `it has schema ${schema}, this program knows up to ${MIGRATIONS.length}`,
      );
    await migrate(this.#address, { at: this.#at, breaking: true, migrations: steps });
    this.#session = await Session.open(this.#address, { use: 'carry', patience: PATIENCE });
    await this.#session.say('BEGIN');
  }

  async write(
    { name, columns }: Pick<CarriedTable, 'name' | 'columns'>,
    rows: readonly (readonly Value[])[],
  ): Promise<void> {
    if (rows.length === 0) return;
    const session = this.#open();
    const known = this.#columns.get(name) ?? (await columnsOf(session, name));
    this.#columns.set(name, known);
    const types = columns.map((column) => {
      const type = known.find((one) => one.name === column)?.type;
      if (type === undefined)
        throw new SignalboxError('STORE_NEWER', `\`${name}\` has no column \`${column}\` here`);
      return type;
    });
    const list = columns.map((column) => `"${column}"`).join(', ');
    const arrays = types.map((type, at) => `$${at + 1}::${type}[]`).join(', ');
    const text = `INSERT INTO "${name}" (${list}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest(${arrays})`;
    const values = columns.map((_, at) =>
      rows.map((row) => {
        const value = row[at] ?? null;
        return value instanceof Uint8Array ? Buffer.from(value) : value;
      }),
    );
    await session.run({ name: `into ${name}`, text }, values);
  }

  async finish(): Promise<void> {
    const session = this.#open();
    await session.say(`INSERT INTO chain_heads (chain, seq, hash)
      SELECT DISTINCT ON (chain) chain, seq, hash FROM events ORDER BY chain, seq DESC`);
    await session.say(
      `SELECT setval(pg_get_serial_sequence('events', 'id'), (SELECT max(id) FROM events))`,
    );
    const names = await session.rows<{ name: string }>(TABLES, []);
    if (names.some(({ name }) => name === 'leaves'))
      await session.say(`
        INSERT INTO leaves (leaf, event) SELECT id - 1, id FROM events
          WHERE id <= (SELECT size FROM tree);
        DELETE FROM unsealed WHERE event IN (SELECT event FROM leaves)`);
    await session.say('COMMIT');
    await session.end();
    await migrate(this.#address, { at: this.#at, breaking: true });
  }

  async close(): Promise<void> {
    await this.#session?.end();
  }

  #open(): Session {
    if (this.#session === null) throw new Error('the target was not begun');
    return this.#session;
  }
}

async function columnsOf(session: Session, table: string): Promise<readonly Column[]> {
  return session.rows<Column>(COLUMNS, [`"${table}"`]);
}
