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
import { type ApprovalRow, approvalOf } from '../approvals.ts';
import { opened } from '../payload-text.ts';
import { MOST_RUNS, TRAIL_TYPES, trailOrder } from '../trail.ts';
import { costIn, costsOfAgent } from './costs.ts';
import { type RunRow, runOf } from './facts.ts';
import { together } from './load.ts';
import { drillsIn } from './op-drills.ts';
import type { Payloads } from './payloads.ts';
import type { OnLine } from './reads.ts';
import { leafOf, readTiles, sealOf } from './seal-reads.ts';
import type { Session } from './session.ts';

/** Records read at once when the caller names no limit, and at most. */
const PAGE = 10_000;

const RUNS = {
  name: 'runs',
  text: `SELECT runs.*,
      (SELECT count(*) FROM approvals WHERE run_id = runs.id AND state = 'pending'
        AND expires_at > $1) AS asks,
      (SELECT at FROM events WHERE chain = runs.id ORDER BY seq DESC LIMIT 1) AS last_at
    FROM runs WHERE $2::text IS NULL OR state = $2
    ORDER BY started_at DESC, id DESC LIMIT $3`,
};

/** An ask with the record it was parked by, and the first of its run. */
const ASK_ROWS = `SELECT approvals.*, told.body, parked.sealed, wrapped, runs.erased
  FROM approvals JOIN runs ON runs.id = run_id
  JOIN events AS told ON told.chain = run_id AND told.seq = approvals.seq
  LEFT JOIN payloads AS parked ON parked.chain = run_id AND parked.seq = approvals.seq
  LEFT JOIN chain_keys ON chain_keys.chain = run_id`;
const ASKS = {
  name: 'asks-page',
  text: `${ASK_ROWS} WHERE approvals.id IN (SELECT id FROM approvals
      WHERE $1::text IS NULL OR state = $1 ORDER BY asked_at DESC, id DESC LIMIT $2)
    ORDER BY asked_at DESC, approvals.id DESC`,
};
const ASK = { name: 'ask', text: `${ASK_ROWS} WHERE approvals.id = $1` };

/** By the index `events_of_reads`, whose expression this is. */
const RUN_OF = {
  name: 'run-of',
  text: `SELECT coalesce((SELECT run_id FROM actions WHERE id = $1),
    (SELECT chain FROM events WHERE type = 'action.read'
      AND substr(body, 12, greatest(0, strpos(body, '",') - 12)) = $1),
    (SELECT run_id FROM approvals WHERE id = $1), (SELECT id FROM runs WHERE id = $1)) AS run`,
};
const TIMELINE = {
  name: 'timeline',
  text: `SELECT chain, seq, at, type, body, previous, hash, sealed
    FROM events LEFT JOIN payloads USING (chain, seq)
    WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
};
/** The newest of each run of the tree, so that a long one is not read whole. */
const TRAIL = {
  name: 'trail',
  text: `SELECT told.chain, told.seq, told.at, told.type, told.body, told.previous, told.hash, sealed, wrapped
    FROM (SELECT id FROM runs WHERE root = $1 ORDER BY started_at DESC LIMIT $2) AS run
    CROSS JOIN LATERAL (SELECT chain, seq, at, type, body, previous, hash FROM events
      WHERE chain = run.id AND type = ANY ($3) AND (type <> 'run.begun' OR chain <> $1) ORDER BY seq DESC LIMIT $4) AS told
    LEFT JOIN payloads ON payloads.chain = told.chain AND payloads.seq = told.seq
    LEFT JOIN chain_keys ON chain_keys.chain = told.chain`,
};
const CHAINS = {
  name: 'chains',
  text: 'SELECT chain, seq AS length, hash AS head FROM chain_heads ORDER BY chain',
};

interface SummaryRow extends RunRow {
  readonly actions: number;
  readonly refused: number;
  readonly replica: string | null;
  readonly asks: number;
  readonly last_at: number;
}

interface AskRow extends ApprovalRow {
  readonly body: string;
  readonly sealed: Uint8Array | null;
  readonly wrapped: Uint8Array | null;
  readonly erased: number;
}

/** What people look at: runs, asks and the records themselves. */
export class History {
  readonly #on: OnLine;
  readonly #payloads: Payloads;
  readonly #clock: Clock;

  constructor(on: OnLine, payloads: Payloads, clock: Clock) {
    this.#on = on;
    this.#payloads = payloads;
    this.#clock = clock;
  }

  /** Newest first. */
  runs(filter: { readonly limit: number; readonly state?: Run['state'] }): Promise<RunSummary[]> {
    return this.#on(async (session) => {
      const now = this.#clock.now();
      const rows = await session.rows<SummaryRow>(RUNS, [now, filter.state ?? null, filter.limit]);
      const intentOf = await this.#payloads.intents(session, rows);
      return rows.map((row) => ({
        run: runOf(row, intentOf(row.id)),
        replica: row.replica,
        actions: row.actions,
        refused: row.refused,
        pendingApprovals: row.asks,
        lastAt: row.last_at,
      }));
    });
  }

  /** Newest first. */
  asks(filter: { readonly limit: number; readonly state?: Approval['state'] }): Promise<Ask[]> {
    return this.#on(async (session) =>
      this.#asksOf(session, await session.rows<AskRow>(ASKS, [filter.state ?? null, filter.limit])),
    );
  }

  ask(id: string): Promise<Ask | null> {
    return this.#on(async (session) => {
      const [ask] = await this.#asksOf(session, await session.rows<AskRow>(ASK, [id]));
      return ask ?? null;
    });
  }

  /** Of an action, an approval, or a run itself. */
  runIdOf(id: string): Promise<string | null> {
    return this.#on(async (session) => {
      const [row] = await session.rows<{ run: string | null }>(RUN_OF, [id]);
      return row?.run ?? null;
    });
  }

  cost(root: string): Promise<RunCost> {
    return this.#on(async (session) => (await costIn(session, root, this.#clock.now())) ?? NO_COST);
  }

  costsOf(agent: string): Promise<RunCost[]> {
    return this.#on((session) => costsOfAgent(session, agent, this.#clock.now()));
  }

  drills(limit: number): Promise<DrillRecord[]> {
    return this.#on((session) =>
      drillsIn((statement, values) => session.rows<LedgerEvent>(statement, values), limit),
    );
  }

  timeline(chain: string, after = 0, limit = PAGE): Promise<ReadableEvent[]> {
    return this.#on(async (session) => {
      const most = Math.min(limit, PAGE);
      // The key before the payloads: one erased in between is gone, not broken.
      const [rows, key] = await together([
        session.rows<LedgerEvent & { sealed: Uint8Array | null }>(TIMELINE, [chain, after, most]),
        this.#payloads.key(session, chain),
      ]);
      return rows.map(({ sealed, ...event }) => {
        const payload = opened(chain, key, { ...event, sealed });
        return payload === undefined ? event : { ...event, payload };
      });
    });
  }

  trail(root: string, most: number): Promise<ReadableEvent[]> {
    return this.#on(async (session) => {
      const rows = await session.rows<
        LedgerEvent & { sealed: Uint8Array | null; wrapped: Uint8Array | null }
      >(TRAIL, [root, MOST_RUNS, TRAIL_TYPES, most]);
      const events = rows.map(({ sealed, wrapped, ...event }) => {
        const key = this.#payloads.unwrap(event.chain, wrapped);
        const payload = opened(event.chain, key, { ...event, sealed });
        return payload === undefined ? event : { ...event, payload };
      });
      return trailOrder(events).slice(-most);
    });
  }

  chains(): Promise<
    readonly { readonly chain: string; readonly length: number; readonly head: string }[]
  > {
    return this.#on((session) => session.rows(CHAINS, []));
  }

  seal(): Promise<Seal | null> {
    return this.#on(sealOf);
  }

  tiles(places: readonly Pick<StoredTile, 'level' | 'place'>[]): Promise<StoredTile[]> {
    return this.#on((session) => readTiles(session, places));
  }

  leafOf(chain: string, seq: number): Promise<number | null> {
    return this.#on((session) => leafOf(session, chain, seq));
  }

  async #asksOf(session: Session, rows: readonly AskRow[]): Promise<Ask[]> {
    const runs = rows.map(({ run_id: id, erased }) => ({ id, erased }));
    const intentOf = await this.#payloads.intents(session, runs);
    return rows.map((row) => {
      const key = this.#payloads.unwrap(row.run_id, row.wrapped);
      const payload = opened(row.run_id, key, row) ?? null;
      return {
        approval: approvalOf(row),
        arguments: (payload?.arguments as JsonObject | undefined) ?? null,
        lineage: (payload?.lineage as LineageRecord | undefined) ?? null,
        continuation: (payload?.continuation as unknown as Continuation | undefined) ?? null,
        measured: (payload?.measured as unknown as Measured | null | undefined) ?? null,
        shown: (payload?.shown as unknown as ToolResult | undefined) ?? null,
        runIntent: payload === null ? null : intentOf(row.run_id),
      };
    });
  }
}
