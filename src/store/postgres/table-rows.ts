import type { Fields, Found, TableName, Tables } from '../tables.ts';
import type { Session, Statement } from './session.ts';

/** Rows of usage and tokens read at once. */
const PAGE = 5_000;

const rowsOf = (table: TableName, id: string, columns: string, type = 'text'): Statement => ({
  name: `rows-${table}`,
  text: `SELECT ${id} AS "of", ${columns} FROM ${table} WHERE ${id} = ANY ($1::${type}[])`,
});

const ROWS: Readonly<Record<TableName, Statement>> = {
  runs: rowsOf(
    'runs',
    'id',
    `root, parent, depth, agent, state, started_at AS "startedAt", expires_at AS "expiresAt",
      ended_at AS "endedAt", budget, tools, acts_for AS "actsFor", subject, actions, refused, erased,
      replica`,
  ),
  actions: rowsOf(
    'actions',
    'id',
    `run_id AS "runId", tool, tool_digest AS "toolDigest", connection, purpose, state, halt, bundle,
      approval_id AS "approvalId", lease_id AS "leaseId", reservations, at,
      settled_at AS "settledAt", replica`,
  ),
  approvals: rowsOf(
    'approvals',
    'id',
    `run_id AS "runId", action_id AS "actionId", agent, tool, tool_digest AS "toolDigest",
      connection, arguments_digest AS "argumentsDigest", ask_key AS "askKey", binding, digest, halt,
      state, asked_at AS "askedAt", expires_at AS "expiresAt", answered_by AS "answeredBy",
      answered_at AS "answeredAt", used_by AS "usedBy", seq`,
  ),
  bundles: rowsOf('bundles', 'digest', 'body'),
  halts: rowsOf('halts', 'epoch', `scope, raised_by AS "by", at, state`, 'bigint'),
  leases: rowsOf(
    'leases',
    'id',
    `id, run_id AS "runId", agent, connection, issuer, handle, revocability, state,
      minted_at AS "mintedAt", expires_at AS "expiresAt", replica`,
  ),
  operators: rowsOf('operators', 'name', 'role'),
  secrets: rowsOf('secrets', 'name', 'version'),
};

const CONTROL = { name: 'rows-control', text: 'SELECT halt, bundle FROM control' };
const KEY = { name: 'rows-key', text: 'SELECT verifier AS key FROM tree' };
const USAGE = {
  name: 'rows-usage',
  text: `SELECT key, dimension, key || E'\\n' || dimension AS id, posted, pending FROM usage
    WHERE (key, dimension) > ($1, $2) ORDER BY key, dimension LIMIT ${PAGE}`,
};
const TOKENS = {
  name: 'rows-tokens',
  text: `SELECT hash, kind, subject, expires_at AS "expiresAt", revoked FROM tokens
    WHERE hash > $1 ORDER BY hash LIMIT ${PAGE}`,
};

/** The tables as the session's transaction sees them. */
export class TableRows implements Tables {
  readonly holdsPlaces = true;
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async rows(table: TableName, ids: readonly (string | number)[]): Promise<Found[]> {
    const rows = await this.#session.rows<Fields & { readonly of: unknown }>(ROWS[table], [ids]);
    const found = new Map(rows.map(({ of, ...row }) => [of, row]));
    return ids.map((id) => found.get(id));
  }

  async control(): Promise<Fields | undefined> {
    return (await this.#session.rows<Fields>(CONTROL, []))[0];
  }

  async key(): Promise<Fields | undefined> {
    return (await this.#session.rows<Fields>(KEY, []))[0];
  }

  async count(table: TableName): Promise<number> {
    const text = `SELECT count(*) AS n FROM ${table}`;
    const [row] = await this.#session.rows<{ n: number }>({ name: `count-${table}`, text }, []);
    return row?.n ?? 0;
  }

  async *usage(): ReturnType<Tables['usage']> {
    interface Row {
      readonly key: string;
      readonly dimension: string;
      readonly id: string;
      readonly posted: number;
      readonly pending: number;
    }
    for (let last: Row | undefined, page: Row[] = []; ; last = page.at(-1)) {
      page = await this.#session.rows<Row>(USAGE, [last?.key ?? '', last?.dimension ?? '']);
      yield page;
      if (page.length < PAGE) return;
    }
  }

  async *tokens(): ReturnType<Tables['tokens']> {
    type Row = Fields & { readonly hash: string; readonly kind: string; readonly subject: string };
    for (let last: Row | undefined, page: Row[] = []; ; last = page.at(-1)) {
      page = await this.#session.rows<Row>(TOKENS, [last?.hash ?? '']);
      yield page;
      if (page.length < PAGE) return;
    }
  }
}
