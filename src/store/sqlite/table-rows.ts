import type { Fields, Found, TableName, Tables } from '../tables.ts';
import type { Database } from './database.ts';
import { hasTree } from './seal-reads.ts';

const RUN = `SELECT root, parent, depth, agent, state, started_at AS startedAt,
  expires_at AS expiresAt, ended_at AS endedAt, budget, tools, acts_for AS actsFor, subject, actions, refused,
  erased, replica FROM runs WHERE id = ?`;
const ACTION = `SELECT run_id AS runId, tool, tool_digest AS toolDigest, connection, purpose, state,
  halt, bundle, approval_id AS approvalId, lease_id AS leaseId, reservations, at,
  settled_at AS settledAt, replica FROM actions WHERE id = ?`;
const APPROVAL = `SELECT run_id AS runId, action_id AS actionId, agent, tool,
  tool_digest AS toolDigest, connection, arguments_digest AS argumentsDigest, ask_key AS askKey,
  binding, digest, halt, state,
  asked_at AS askedAt, expires_at AS expiresAt, answered_by AS answeredBy,
  answered_at AS answeredAt, used_by AS usedBy, seq FROM approvals WHERE id = ?`;
const LEASE = `SELECT id, run_id AS runId, agent, connection, issuer, handle, revocability, state,
  minted_at AS mintedAt, expires_at AS expiresAt, replica FROM leases WHERE id = ?`;

const ROW: Readonly<Record<TableName, string>> = {
  runs: RUN,
  actions: ACTION,
  approvals: APPROVAL,
  bundles: 'SELECT body FROM bundles WHERE digest = ?',
  halts: 'SELECT scope, raised_by AS "by", at, state FROM halts WHERE epoch = ?',
  leases: LEASE,
  operators: 'SELECT role FROM operators WHERE name = ?',
  secrets: 'SELECT version FROM secrets WHERE name = ?',
};

export class TableRows implements Tables {
  readonly holdsPlaces = false;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async rows(table: TableName, ids: readonly (string | number)[]): Promise<Found[]> {
    return ids.map((id) => {
      try {
        return this.#database.one<Fields>(ROW[table], id);
      } catch (error) {
        return error instanceof Error ? error : new Error('an unknown fault');
      }
    });
  }

  async control(): Promise<Fields | undefined> {
    return this.#database.one<Fields>('SELECT halt, bundle FROM control');
  }

  async key(): Promise<Fields | undefined> {
    if (!hasTree(this.#database)) return undefined;
    return this.#database.one<Fields>('SELECT verifier AS key FROM tree');
  }

  async count(table: TableName): Promise<number> {
    return this.#database.one<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)?.n ?? 0;
  }

  async *usage(): ReturnType<Tables['usage']> {
    yield this.#database.all(
      'SELECT key || char(10) || dimension AS id, posted, pending FROM usage',
    );
  }

  async *tokens(): ReturnType<Tables['tokens']> {
    yield this.#database.all(
      'SELECT hash, kind, subject, expires_at AS expiresAt, revoked FROM tokens',
    );
  }
}
