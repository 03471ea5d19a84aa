import { askKey } from '../../domain/approval.ts';
import type { Bundle } from '../../domain/bundle.ts';
import type { Lease } from '../../domain/credential.ts';
import type { Dimension } from '../../domain/effect.ts';
import type { Halt, Stamp } from '../../domain/halt.ts';
import type { Repeats } from '../../domain/loops.ts';
import type { TokenRow } from '../../domain/ops.ts';
import type { LiveRun, Run } from '../../domain/run.ts';
import type {
  FactsQuery,
  OpenAction,
  OwnedLease,
  Store,
  StoreFacts,
  Usage,
} from '../../domain/store.ts';
import { APPROVAL_COLUMNS, type ApprovalRow, approvalOf, refusedIn } from '../approvals.ts';
import { type LeaseRow, type OpenRow, openActionOf, ownedLeaseOf } from '../owned.ts';
import { type HeldRow, heldTo, type LiveRow, liveRunOf } from '../tree.ts';
import type { Database } from './database.ts';
import { TAKEN } from './op-claims.ts';
import { type HaltRow, haltOf } from './op-halts.ts';
import { type StoredToken, TOKEN_BY_HASH, tokenOf } from './op-identity.ts';
import type { Payloads } from './payloads.ts';
import type { InForce, Snapshot } from './snapshot.ts';

export interface RunRow extends HeldRow {
  readonly id: string;
  readonly root: string;
  readonly parent: string | null;
  readonly depth: number;
  readonly agent: string;
  readonly state: Run['state'];
  readonly started_at: number;
  readonly expires_at: number;
  readonly ended_at: number | null;
  readonly erased: number;
}

export const RUN_COLUMNS =
  'id, root, parent, depth, agent, state, started_at, expires_at, ended_at, budget, tools, acts_for, subject, erased';

const RUN = `SELECT ${RUN_COLUMNS} FROM runs WHERE id = ?`;
const LIVE = `SELECT id, agent, parent, acts_for FROM runs WHERE state = 'live' ORDER BY id`;
const UNDER = 'SELECT id FROM runs WHERE root = ?1 AND id <> ?1 ORDER BY id';
const STAMP = 'SELECT halt, bundle FROM control WHERE id = 1';
const HALTS = `SELECT epoch, scope, reason, raised_by, at, state FROM halts
  WHERE state <> 'lifted' ORDER BY epoch`;
const ASK = `SELECT ${APPROVAL_COLUMNS} FROM approvals
  WHERE ask_key = ? AND state IN ('pending', 'approved', 'refused') ORDER BY asked_at DESC, id DESC LIMIT 1`;
const ANY_ASK = `SELECT 1 AS found FROM approvals
  WHERE run_id = ? AND state IN ('pending', 'approved', 'refused') LIMIT 1`;
const ANY_UNKNOWN = `SELECT 1 AS found FROM actions
  WHERE state IN ('unknown', 'running') AND root = ? LIMIT 1`;
const UNKNOWN = `SELECT id FROM actions
  WHERE state IN ('unknown', 'running') AND root = ? AND tool = ? AND arguments_digest = ? LIMIT 1`;

const ATTEMPTS = `SELECT count(*) AS n FROM actions
  WHERE root = ? AND tool = ? AND arguments_digest = ? AND purpose = 'execute' AND halt IS NOT NULL
    AND state <> 'refused'`;
const REFUSED_ASKS = `SELECT coalesce(arguments_digest = ?, 0) AS same, count(*) AS n FROM approvals
  WHERE state = 'refused' AND tool = ? AND run_id IN (SELECT id FROM runs WHERE root = ?) GROUP BY 1`;

/** The reads of the hot path: what was read before and has not changed comes from memory (snapshot.ts). */
export class Reads {
  readonly #database: Database;
  readonly #payloads: Payloads;
  readonly #known: Snapshot;

  constructor(database: Database, payloads: Payloads, known: Snapshot) {
    this.#database = database;
    this.#payloads = payloads;
    this.#known = known;
  }

  factsFor(query: FactsQuery): StoreFacts {
    const run = this.#known.runs.get(query.runId);
    const { inForce } = this.#known;
    if (run !== undefined && inForce !== null && this.#isPlain(run))
      return { ...inForce, run, approval: null, unknownRepeat: null, treeActions: null };
    return this.snapshot(() => this.#facts(query));
  }

  repeats({ root, tool, argumentsDigest }: Parameters<Store['repeats']>[0]): Repeats {
    return this.snapshot((database) => ({
      attempts: database.one<{ n: number }>(ATTEMPTS, root, tool, argumentsDigest)?.n ?? 0,
      ...refusedIn(
        database.all<{ same: number; n: number }>(REFUSED_ASKS, argumentsDigest, tool, root),
      ),
    }));
  }

  haltState(): InForce {
    const { inForce } = this.#known;
    if (inForce !== null) return inForce;
    const read = this.snapshot(() => ({ stamp: this.#stamp(), halts: this.#halts() }));
    this.#known.inForce = read;
    return read;
  }

  usage(keys: readonly string[]): readonly Usage[] {
    const [first] = keys;
    if (first !== undefined && keys.length === 1) return this.#used(first);
    return keys.flatMap((key) => this.#used(key));
  }

  token(hash: string): TokenRow | null {
    const known = this.#known.tokens.get(hash);
    if (known !== undefined) return known;
    const row = this.#database.one<StoredToken>(TOKEN_BY_HASH, hash);
    return row === undefined ? null : this.#known.tokens.keep(hash, tokenOf(row));
  }

  run(id: string): Run | null {
    const known = this.#known.runs.get(id);
    if (known !== undefined) return known;
    const row = this.#database.one<RunRow>(RUN, id);
    return row === undefined ? null : this.#known.runs.keep(id, this.runOf(row));
  }

  runOf(row: RunRow): Run {
    return {
      id: row.id,
      root: row.root,
      parent: row.parent,
      depth: row.depth,
      agent: row.agent,
      intent: this.#payloads.intent(row.id, row.erased === 1),
      state: row.state,
      startedAt: row.started_at,
      expiresAt: row.expires_at,
      endedAt: row.ended_at,
      ...heldTo(row),
    };
  }

  bundle(digest: string): Bundle | null {
    const row = this.#database.one<{ body: string }>(
      'SELECT body FROM bundles WHERE digest = ?',
      digest,
    );
    return row === undefined ? null : (JSON.parse(row.body) as Bundle);
  }

  liveRuns(): LiveRun[] {
    return this.#database.all<LiveRow>(LIVE).map(liveRunOf);
  }

  runsUnder(root: string): string[] {
    const rows = this.#database.all<{ id: string }>(UNDER, root);
    return [root, ...rows.map(({ id }) => id)];
  }

  openActions(): OpenAction[] {
    return this.#database
      .all<OpenRow>(
        `SELECT id, run_id, tool, tool_digest, connection, purpose, trace, state, bundle, at, replica
         FROM actions
         WHERE state IN ('open', 'running') ORDER BY at, id`,
      )
      .map(openActionOf);
  }

  leases(filter: {
    readonly state?: readonly Lease['state'][];
    readonly runId?: string;
  }): OwnedLease[] {
    const rows =
      filter.runId === undefined
        ? LEASE_STATES.filter((state) => filter.state?.includes(state) ?? true).flatMap((state) =>
            this.#database.all<LeaseRow>(`${LEASES} WHERE state = ? ORDER BY id`, state),
          )
        : this.#database.all<LeaseRow>(`${LEASES} WHERE run_id = ? ORDER BY id`, filter.runId);
    return rows.filter(({ state }) => filter.state?.includes(state) ?? true).map(ownedLeaseOf);
  }

  operator(name: string): { readonly name: string; readonly role: 'owner' | 'operator' } | null {
    const row = this.#database.one<{ name: string; role: 'owner' | 'operator' }>(
      'SELECT name, role FROM operators WHERE name = ?',
      name,
    );
    return row === undefined ? null : { ...row };
  }

  operatorCount(): number {
    return this.#database.one<{ n: number }>('SELECT count(*) AS n FROM operators')?.n ?? 0;
  }

  secret(name: string): { readonly sealed: string; readonly version: number } | null {
    const row = this.#database.one<{ sealed: string; version: number }>(
      'SELECT sealed, version FROM secrets WHERE name = ?',
      name,
    );
    return row === undefined ? null : { ...row };
  }

  isTaken(claim: string): boolean {
    return this.#database.one(TAKEN, claim) !== undefined;
  }

  secretNames(): { readonly name: string; readonly version: number; readonly at: number }[] {
    return this.#database
      .all<{ name: string; version: number; at: number }>(
        'SELECT name, version, at FROM secrets ORDER BY name',
      )
      .map((row) => ({ ...row }));
  }

  /** Runs `read` on one consistent state of the database. */
  snapshot<T>(read: (database: Database) => T): T {
    if (this.#database.raw.isTransaction) return read(this.#database);
    this.#database.run('BEGIN');
    try {
      return read(this.#database);
    } finally {
      this.#database.run('COMMIT');
    }
  }

  /** A run that never asked for anything, in a tree where nothing is unknown: the common one. */
  #isPlain(run: Run): boolean {
    return this.#known.askless.has(run.id) && this.#known.certain.has(run.root);
  }

  #facts({ runId, tool, argumentsDigest }: FactsQuery): StoreFacts {
    const run = this.run(runId);
    const { stamp, halts } = this.haltState();
    const none = { stamp, halts, run, approval: null, unknownRepeat: null, treeActions: null };
    if (run === null) return none;
    if (this.#database.one(ANY_ASK, runId) === undefined) this.#known.askless.keep(runId, true);
    if (this.#database.one(ANY_UNKNOWN, run.root) === undefined)
      this.#known.certain.keep(run.root, true);
    if (this.#isPlain(run)) return none;
    const ask = this.#database.one<ApprovalRow>(ASK, askKey(runId, tool, argumentsDigest));
    const unknown = this.#database.one<{ id: string }>(UNKNOWN, run.root, tool, argumentsDigest);
    return {
      ...none,
      approval: ask === undefined ? null : approvalOf(ask),
      unknownRepeat: unknown?.id ?? null,
    };
  }

  #used(key: string): readonly Usage[] {
    const known = this.#known.usage.get(key);
    if (known !== undefined) return known;
    const rows = this.#database
      .all<{ dimension: Dimension; posted: number; pending: number }>(
        'SELECT dimension, posted, pending FROM usage WHERE key = ?',
        key,
      )
      .map(({ dimension, posted, pending }) => ({ key, dimension, posted, pending }));
    return this.#known.usage.keep(key, rows);
  }

  #stamp(): Stamp {
    const stamp = this.#database.one<Stamp>(STAMP);
    if (stamp === undefined) throw new Error('the store has no control row');
    return { halt: stamp.halt, bundle: stamp.bundle };
  }

  #halts(): Halt[] {
    return this.#database.all<HaltRow>(HALTS).map(haltOf);
  }
}

const LEASE_STATES: readonly Lease['state'][] = ['minting', 'live', 'revoking', 'dead', 'residual'];
const LEASES = `SELECT id, run_id, agent, connection, issuer, handle, revocability, state,
  minted_at, expires_at, replica FROM leases`;
