import { type ApprovalBinding, approvalDigest, askKey } from '../../domain/approval.ts';
import { type Bundle, bundleDigest } from '../../domain/bundle.ts';
import { canonical } from '../../domain/json.ts';
import { type ReadableEvent, SYSTEM_CHAIN } from '../../domain/store.ts';
import type { fold as Fold, ProjectedApproval, Projection } from '../../ledger/projections.ts';
import { withoutContent } from '../erased.ts';
import { type Database, said } from './database.ts';

/** `compared`: rows held against the records. `differences`: in words, the first hundred. */
export interface Comparison {
  readonly compared: number;
  readonly differences: readonly string[];
}

type Fields = { readonly [field: string]: unknown };

const MOST = 100;
const RUN = `SELECT root, parent, depth, agent, state, started_at AS startedAt,
  expires_at AS expiresAt, ended_at AS endedAt, budget, actions, refused,
  erased, replica FROM runs WHERE id = ?`;
const ACTION = `SELECT run_id AS runId, tool, tool_digest AS toolDigest, connection, purpose, state,
  halt, bundle, approval_id AS approvalId, lease_id AS leaseId, reservations, at,
  settled_at AS settledAt, replica FROM actions WHERE id = ?`;
const APPROVAL = `SELECT run_id AS runId, action_id AS actionId, agent, tool,
  tool_digest AS toolDigest, connection, arguments_digest AS argumentsDigest, ask_key AS askKey,
  binding, digest, halt, state,
  asked_at AS askedAt, expires_at AS expiresAt, answered_by AS answeredBy,
  answered_at AS answeredAt, used_by AS usedBy, seq FROM approvals WHERE id = ?`;
const BUNDLE = 'SELECT body FROM bundles WHERE digest = ?';
const HALT = 'SELECT scope, raised_by AS "by", at, state FROM halts WHERE epoch = ?';
const LEASE = `SELECT id, run_id AS runId, agent, connection, issuer, handle, revocability, state,
  minted_at AS mintedAt, expires_at AS expiresAt, replica FROM leases WHERE id = ?`;

/** Holds every table against the fold of the records: chain by chain, so that no more than one run is in memory. */
export class TableComparison {
  readonly #database: Database;
  readonly #told: Projection;
  readonly #fold: typeof Fold;
  readonly #differences: string[] = [];
  readonly #counts = { runs: 0, actions: 0, approvals: 0 };
  #compared = 0;
  #chain: string | null = null;
  #isBroken = false;
  #isWhole = true;

  constructor(database: Database, empty: Projection, fold: typeof Fold) {
    this.#database = database;
    this.#told = empty;
    this.#fold = fold;
  }

  /** `event` is null for a record that does not hold: its chain is not compared. */
  add(chain: string, event: ReadableEvent | null): void {
    if (chain !== this.#chain) {
      this.#endChain();
      this.#chain = chain;
      this.#isBroken = false;
    }
    if (event === null) {
      this.#isBroken = true;
      this.#isWhole = false;
    } else if (!this.#isBroken) this.#replay(event);
  }

  finish(): Comparison {
    this.#endChain();
    for (const problem of this.#told.problems) this.#differ(problem);
    // Sums over chains mean nothing when a chain is missing from them.
    if (this.#isWhole) this.#readable('the tables', () => this.#compareWhole());
    return { compared: this.#compared, differences: this.#differences };
  }

  #replay(event: ReadableEvent): void {
    try {
      this.#fold(this.#told, event);
    } catch {
      this.#differ(`\`${event.chain}\` ${event.seq} (\`${event.type}\`) cannot be replayed`);
    }
  }

  #endChain(): void {
    const { runs, actions, approvals } = this.#told;
    if (this.#chain !== null && this.#chain !== SYSTEM_CHAIN && !this.#isBroken) {
      for (const [id, run] of runs) {
        const erased = this.#told.erased.has(id) ? 1 : 0;
        this.#row(`run \`${id}\``, { ...run, erased }, RUN, id);
      }
      for (const [id, action] of actions) this.#row(`action \`${id}\``, { ...action }, ACTION, id);
      for (const [id, ask] of approvals) this.#approval(id, ask);
    }
    this.#counts.runs += runs.size;
    this.#counts.actions += actions.size;
    this.#counts.approvals += approvals.size;
    for (const map of [runs, actions, approvals]) map.clear();
  }

  /** Without the payload the digest in the record still says what the binding must be. */
  #approval(id: string, { target, content, ...told }: ProjectedApproval): void {
    const what = `approval \`${id}\``;
    this.#readable(what, () => {
      const row = this.#database.one<Fields & { binding: string }>(APPROVAL, id);
      if (row === undefined) return this.#differ(`${what} is not in the table`);
      const found = JSON.parse(row.binding) as ApprovalBinding;
      const { runId, tool, toolDigest, halt, expiresAt } = told;
      const clear = { runId, tool, toolDigest, target, halt, expiresAt };
      if (this.#told.erased.has(runId)) {
        const binding = withoutContent({ ...found, ...clear });
        const gone = { binding, argumentsDigest: null, askKey: null };
        return this.#same(what, { ...told, ...gone }, { ...row, binding: found });
      }
      const binding = { ...((content?.binding ?? found) as ApprovalBinding), ...clear };
      const { argumentsDigest } = binding;
      const key = content?.askKey ?? askKey(runId, tool, argumentsDigest);
      const covered = { binding, argumentsDigest, askKey: key };
      this.#same(what, { ...told, ...covered }, { ...row, binding: found });
      if (approvalDigest(found) !== told.digest)
        this.#differ(`${what}: its binding is not the one of digest \`${told.digest}\``);
    });
  }

  /** A digest names what was applied: a bundle that was edited since has another. */
  #bundles(): void {
    for (const digest of this.#told.bundles) {
      const what = `bundle \`${cut(digest)}\``;
      this.#readable(what, () => {
        const row = this.#database.one<{ body: string }>(BUNDLE, digest);
        if (row === undefined) return this.#differ(`${what} is not in the table`);
        const bundle = JSON.parse(row.body) as Bundle;
        const told = { digest, contents: digest };
        this.#same(what, told, { digest: bundle.digest, contents: bundleDigest(bundle) });
      });
    }
  }

  #compareWhole(): void {
    const { halt, bundle, bundles, halts, leases, operators, secrets } = this.#told;
    this.#row('the control row', { halt, bundle }, 'SELECT halt, bundle FROM control');
    for (const [epoch, one] of halts) this.#row(`halt ${epoch}`, one, HALT, epoch);
    for (const [id, lease] of leases) this.#row(`lease \`${id}\``, { ...lease }, LEASE, id);
    for (const [name, one] of operators)
      this.#row(`operator \`${name}\``, one, 'SELECT role FROM operators WHERE name = ?', name);
    for (const [name, one] of secrets)
      this.#row(`secret \`${name}\``, one, 'SELECT version FROM secrets WHERE name = ?', name);
    this.#bundles();
    this.#usage();
    this.#tokens();
    const { runs, actions, approvals } = this.#counts;
    const counts = { runs, actions, approvals, halts: halts.size, leases: leases.size };
    const others = { bundles: bundles.size, operators: operators.size, secrets: secrets.size };
    const told = { ...counts, ...others };
    for (const [table, number] of Object.entries(told))
      this.#row(`table \`${table}\``, { rows: number }, `SELECT count(*) AS rows FROM ${table}`);
  }

  #usage(): void {
    const told = this.#told.usage;
    const rows = this.#database.all<{ id: string; posted: number; pending: number }>(
      `SELECT key || char(10) || dimension AS id, posted, pending FROM usage`,
    );
    for (const { id, posted, pending } of rows) {
      this.#same(`usage \`${id}\``, { ...told.get(id) }, { posted, pending });
      told.delete(id);
    }
    for (const id of told.keys()) this.#differ(`usage \`${id}\` is not in the table`);
  }

  #tokens(): void {
    const told = this.#told.tokens;
    const rows = this.#database.each<Fields & { hash: string; kind: string; subject: string }>(
      'SELECT hash, kind, subject, expires_at AS expiresAt, revoked FROM tokens',
    );
    for (const { hash, ...row } of rows) {
      const known = told.get(hash);
      const what = `token of ${row.kind} \`${row.subject}\``;
      if (known === undefined) this.#differ(`${what} was issued by no record`);
      else this.#same(what, { ...known, revoked: known.revoked ? 1 : 0 }, row);
      told.delete(hash);
    }
    for (const { kind, subject } of told.values())
      this.#differ(`token of ${kind} \`${subject}\` is not in the table`);
  }

  #row(what: string, told: Fields, sql: string, ...key: (string | number)[]): void {
    this.#readable(what, () => {
      const row = this.#database.one<Fields>(sql, ...key);
      if (row === undefined) this.#differ(`${what} is not in the table`);
      else this.#same(what, told, parsed(row));
    });
  }

  /** A value that cannot even be read (JSON that is none, a number too large) is a difference, not a fault of ours. */
  #readable(what: string, compare: () => void): void {
    try {
      compare();
    } catch (error) {
      this.#differ(`${what} cannot be read: ${said(error)}`);
    }
  }

  #same(what: string, told: Fields, found: Fields): void {
    this.#compared++;
    for (const field of new Set([...Object.keys(told), ...Object.keys(found)])) {
      const [a, b] = [canonical(told[field] ?? null), canonical(found[field] ?? null)];
      if (a !== b)
        this.#differ(`${what}: \`${field}\` is \`${cut(b)}\`, the records say \`${cut(a)}\``);
    }
  }

  #differ(words: string): void {
    if (this.#differences.length < MOST) this.#differences.push(words);
  }
}

function parsed(row: Fields): Fields {
  const json = Object.entries(row).filter(([name]) => name === 'budget' || name === 'reservations');
  return {
    ...row,
    ...Object.fromEntries(json.map(([name, text]) => [name, JSON.parse(String(text))])),
  };
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
