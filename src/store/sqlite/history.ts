import type { Approval, Ask } from '../../domain/approval.ts';
import type { Clock } from '../../domain/doors.ts';
import type { DrillRecord } from '../../domain/drill.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { LineageRecord } from '../../domain/lineage.ts';
import type { Continuation, Measured, ToolResult } from '../../domain/proposal.ts';
import type { Run } from '../../domain/run.ts';
import { NO_COST, type RunCost } from '../../domain/spend.ts';
import type {
  LedgerEvent,
  ReadableEvent,
  RunSummary,
  Seal,
  StoredTile,
} from '../../domain/store.ts';
import { APPROVAL_COLUMNS, type ApprovalRow, approvalOf } from '../approvals.ts';
import { MOST_RUNS, TRAIL_TYPES, trailOrder } from '../trail.ts';
import { costIn, costsOfAgent } from './costs.ts';
import type { Database } from './database.ts';
import { drillsIn } from './op-drills.ts';
import { readTiles } from './op-seal.ts';
import type { Payloads } from './payloads.ts';
import { type Reads, RUN_COLUMNS, type RunRow } from './reads.ts';
import { leafOf, sealOf } from './seal-reads.ts';

/** Records read at once when the caller names no limit, and at most. */
const PAGE = 10_000;

/** By the index `events_of_reads`, whose expression this is. */
const RUN_OF_READ = `SELECT chain AS run FROM events
  WHERE type = 'action.read' AND substr(body, 12, instr(body, '",') - 12) = ?`;

const RUNS_OF_TREE = 'SELECT id FROM runs WHERE root = ? ORDER BY started_at DESC LIMIT ?';
const TRAIL = `SELECT chain, seq, at, type, body, previous, hash, sealed
  FROM events LEFT JOIN payloads USING (id)
  WHERE chain = ? AND type IN (${TRAIL_TYPES.map((type) => `'${type}'`).join(', ')})
    AND (type <> 'run.begun' OR chain <> ?)
  ORDER BY seq DESC LIMIT ?`;

interface SummaryRow extends RunRow {
  readonly actions: number;
  readonly refused: number;
  readonly asks: number;
  readonly last_at: number;
  readonly replica: string | null;
}

/** What people look at: runs, asks and the records themselves. */
export class History {
  readonly #database: Database;
  readonly #reads: Reads;
  readonly #payloads: Payloads;
  readonly #clock: Clock;

  constructor(database: Database, reads: Reads, payloads: Payloads, clock: Clock) {
    this.#database = database;
    this.#reads = reads;
    this.#payloads = payloads;
    this.#clock = clock;
  }

  /** Newest first. */
  runs(filter: { readonly limit: number; readonly state?: Run['state'] }): RunSummary[] {
    const where = 'WHERE ?2 IS NULL OR state = ?2';
    const sql = `SELECT ${RUN_COLUMNS}, replica, actions, refused,
        (SELECT count(*) FROM approvals WHERE run_id = runs.id AND state = 'pending'
          AND expires_at > ?1) AS asks,
        (SELECT at FROM events WHERE chain = runs.id ORDER BY seq DESC LIMIT 1) AS last_at
      FROM runs ${where} ORDER BY started_at DESC, id DESC LIMIT ?3`;
    return this.#reads.snapshot(() => {
      const now = this.#clock.now();
      const rows = this.#database.all<SummaryRow>(sql, now, filter.state ?? null, filter.limit);
      return rows.map((row) => ({
        run: this.#reads.runOf(row),
        replica: row.replica,
        actions: row.actions,
        refused: row.refused,
        pendingApprovals: row.asks,
        lastAt: row.last_at,
      }));
    });
  }

  /** Newest first. */
  asks(filter: { readonly limit: number; readonly state?: Approval['state'] }): Ask[] {
    return this.#reads.snapshot((database) => {
      const where = filter.state === undefined ? '' : 'WHERE state = ?2';
      return database
        .all<ApprovalRow>(
          `SELECT ${APPROVAL_COLUMNS} FROM approvals ${where}
           ORDER BY asked_at DESC, id DESC LIMIT ?1`,
          ...(filter.state === undefined ? [filter.limit] : [filter.limit, filter.state]),
        )
        .map((row) => this.#askOf(row));
    });
  }

  ask(id: string): Ask | null {
    return this.#reads.snapshot((database) => {
      const row = database.one<ApprovalRow>(
        `SELECT ${APPROVAL_COLUMNS} FROM approvals WHERE id = ?`,
        id,
      );
      return row === undefined ? null : this.#askOf(row);
    });
  }

  /** Of an action, an approval, or a run itself. */
  runIdOf(id: string): string | null {
    const row =
      this.#database.one<{ run: string }>('SELECT run_id AS run FROM actions WHERE id = ?', id) ??
      this.#database.one<{ run: string }>(RUN_OF_READ, id) ??
      this.#database.one<{ run: string }>('SELECT run_id AS run FROM approvals WHERE id = ?', id) ??
      this.#database.one<{ run: string }>('SELECT id AS run FROM runs WHERE id = ?', id);
    return row?.run ?? null;
  }

  timeline(chain: string, after = 0, limit = PAGE): ReadableEvent[] {
    return this.#reads.snapshot((database) => {
      const key = this.#payloads.key(chain);
      return database
        .all<LedgerEvent & { sealed: Uint8Array | null }>(
          `SELECT chain, seq, at, type, body, previous, hash, sealed
           FROM events LEFT JOIN payloads USING (id)
           WHERE chain = ? AND seq > ? ORDER BY seq LIMIT ?`,
          chain,
          after,
          Math.min(limit, PAGE),
        )
        .map(({ sealed, ...event }) => {
          const payload = this.#payloads.open(chain, key, { ...event, sealed });
          return payload === undefined ? event : { ...event, payload };
        });
    });
  }

  /** The newest of each run of the tree, so that a long one is not read whole; then the newest of all these. */
  trail(root: string, most: number): ReadableEvent[] {
    return this.#reads.snapshot((database) => {
      const runs = database.all<{ id: string }>(RUNS_OF_TREE, root, MOST_RUNS);
      return trailOrder(
        runs.flatMap(({ id }) => {
          const key = this.#payloads.key(id);
          return database
            .all<LedgerEvent & { sealed: Uint8Array | null }>(TRAIL, id, root, most)
            .map(({ sealed, ...event }) => {
              const payload = this.#payloads.open(id, key, { ...event, sealed });
              return payload === undefined ? event : { ...event, payload };
            });
        }),
      ).slice(-most);
    });
  }

  cost(root: string): RunCost {
    return this.#reads.snapshot((database) => costIn(database, root, this.#clock.now()) ?? NO_COST);
  }

  costsOf(agent: string): RunCost[] {
    return this.#reads.snapshot((database) => costsOfAgent(database, agent, this.#clock.now()));
  }

  drills(limit: number): DrillRecord[] {
    return this.#reads.snapshot((database) => drillsIn(database, limit));
  }

  chains(): { readonly chain: string; readonly length: number; readonly head: string }[] {
    const rows = this.#database.all<{ chain: string; length: number; head: string }>(
      `SELECT chain, seq AS length, hash AS head FROM events AS last
       JOIN (SELECT chain, max(seq) AS seq FROM events GROUP BY chain) USING (chain, seq)
       ORDER BY chain`,
    );
    return rows.map((row) => ({ ...row }));
  }

  seal(): Seal | null {
    return sealOf(this.#database);
  }

  tiles(places: readonly Pick<StoredTile, 'level' | 'place'>[]): StoredTile[] {
    return readTiles(this.#database, places);
  }

  leafOf(chain: string, seq: number): number | null {
    return leafOf(this.#database, chain, seq);
  }

  #askOf(row: ApprovalRow): Ask {
    const run = this.#reads.run(row.run_id);
    const payload = this.#payloads.at(row.run_id, row.seq);
    return {
      approval: approvalOf(row),
      arguments: (payload?.arguments as JsonObject | undefined) ?? null,
      lineage: (payload?.lineage as LineageRecord | undefined) ?? null,
      continuation: (payload?.continuation as unknown as Continuation | undefined) ?? null,
      measured: (payload?.measured as unknown as Measured | null | undefined) ?? null,
      shown: (payload?.shown as unknown as ToolResult | undefined) ?? null,
      runIntent: payload === null ? null : (run?.intent ?? null),
    };
  }
}
