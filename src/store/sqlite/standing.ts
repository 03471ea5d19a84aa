import type { Dimension } from '../../domain/effect.ts';
import { Roster } from '../../domain/roster.ts';
import { detached } from '../detached.ts';
import type {
  ActionGate,
  Charge,
  Control,
  Drawn,
  InForce,
  RunGate,
  StandingFace,
} from '../ground.ts';
import type { Database } from './database.ts';

/** Rows kept in memory, of each kind; beyond it all are let go and read again. */
const KEPT = 8_192;

interface Counted {
  actions: number;
  refused: number;
}

/**
 * What the writing connection knows of its own tables, so that the common transactions read nothing and write each
 * hot row once a commit. Exact because there is no other writer; whoever changes `control`, `halts` or `runs` by SQL,
 * and whoever rolls back, says `forget`.
 */
export class Standing implements StandingFace {
  readonly #database: Database;
  readonly #runs = new Map<string, RunGate>();
  /** Intents without an outcome, most of them. */
  readonly #open = new Roster<string, ActionGate>();
  /** Rows by key; of each key only those that were looked at. */
  readonly #usage = new Map<string, Drawn[]>();
  /** These two are begun anew rather than cleared (domain/roster.ts). */
  #drawn = new Set<Drawn>();
  #counted = new Map<string, Counted>();
  #control: Control | null = null;
  #halts: readonly InForce[] | null = null;
  #written: Drawn[] = [];

  constructor(database: Database) {
    this.#database = database;
  }

  control(): Control {
    this.#control ??=
      this.#database.one<Control>('SELECT halt, bundle FROM control WHERE id = 1') ?? null;
    if (this.#control === null) throw new Error('the store has no control row');
    return this.#control;
  }

  /** Halts that are not lifted. */
  haltsInForce(): readonly InForce[] {
    this.#halts ??= this.#database.all<InForce>(
      "SELECT epoch, scope FROM halts WHERE state <> 'lifted'",
    );
    return this.#halts;
  }

  run(id: string): RunGate | undefined {
    const known = this.#runs.get(id);
    if (known !== undefined) return known;
    const run = this.#database.one<RunGate>(
      'SELECT id, root, parent, agent, state, expires_at, erased FROM runs WHERE id = ?',
      id,
    );
    if (run === undefined) return undefined;
    if (this.#runs.size >= KEPT) this.#runs.clear();
    this.#runs.set(run.id, run);
    return run;
  }

  action(id: string): ActionGate | undefined {
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    const row = this.#database.one<{
      run_id: string;
      state: string;
      halt: number | null;
      reservations: string;
    }>('SELECT run_id, state, halt, reservations FROM actions WHERE id = ?', id);
    if (row === undefined) return undefined;
    const { run_id: runId, state, halt } = row;
    return { runId, state, halt, reservations: JSON.parse(row.reservations) as Charge[] };
  }

  /** A new intent, or one that is running. */
  opened(id: string, action: ActionGate): void {
    if (this.#open.size >= KEPT) this.#open.clear();
    this.#open.set(id, action);
  }

  closed(id: string): void {
    this.#open.delete(id);
  }

  used(key: string, dimension: Dimension): Readonly<Drawn> {
    return this.#row(key, dimension);
  }

  /** Adds to what is posted and pending; a transaction draws only once nothing of it can be refused any more. */
  draw(key: string, dimension: Dimension, posted: number, pending: number): void {
    const row = this.#row(key, dimension);
    row.posted += posted;
    row.pending += pending;
    this.#drawn.add(row);
  }

  count(runId: string, actions: 0 | 1, refused: 0 | 1): void {
    const counted = this.#counted.get(runId);
    if (counted === undefined) this.#counted.set(runId, { actions, refused });
    else {
      counted.actions += actions;
      counted.refused += refused;
    }
  }

  /** Writes what was drawn and counted. Before every savepoint, and before the commit. */
  flush(): void {
    for (const row of this.#drawn) {
      this.#database.run(
        `INSERT INTO usage (key, dimension, posted, pending) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET posted = ?3, pending = ?4`,
        row.key,
        row.dimension,
        row.posted,
        row.pending,
      );
      this.#written.push({ ...row });
    }
    if (this.#drawn.size > 0) this.#drawn = new Set();
    for (const [run, { actions, refused }] of this.#counted) {
      this.#database.run(
        'UPDATE runs SET actions = actions + ?, refused = refused + ? WHERE id = ?',
        actions,
        refused,
        run,
      );
    }
    if (this.#counted.size > 0) this.#counted = new Map();
  }

  /** Rows written since the last call. */
  takeWritten(): readonly Readonly<Drawn>[] {
    const written = this.#written;
    this.#written = [];
    return written;
  }

  /** The whole commit was taken back. */
  restart(): void {
    this.forget();
    this.#written = [];
  }

  /** What is in memory may be wrong. What was drawn or counted and not flushed is gone. */
  forget(): void {
    this.#control = null;
    this.#halts = null;
    this.#runs.clear();
    this.#open.clear();
    this.#usage.clear();
    this.#drawn.clear();
    this.#counted.clear();
  }

  #row(key: string, dimension: Dimension): Drawn {
    const rows = this.#usage.get(key) ?? this.#keep(detached(key));
    const known = rows.find((row) => row.dimension === dimension);
    if (known !== undefined) return known;
    const stored = this.#database.one<{ posted: number; pending: number }>(
      'SELECT posted, pending FROM usage WHERE key = ? AND dimension = ?',
      key,
      dimension,
    );
    const row = {
      key: rows[0]?.key ?? detached(key),
      dimension,
      posted: stored?.posted ?? 0,
      pending: stored?.pending ?? 0,
    };
    rows.push(row);
    return row;
  }

  #keep(key: string): Drawn[] {
    // What is drawn and not yet written must be found again.
    if (this.#usage.size >= KEPT && this.#drawn.size === 0) this.#usage.clear();
    const rows: Drawn[] = [];
    this.#usage.set(key, rows);
    return rows;
  }
}
