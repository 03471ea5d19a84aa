import { type ApprovalBinding, approvalDigest, askKey } from '../domain/approval.ts';
import { type Bundle, bundleDigest } from '../domain/bundle.ts';
import { canonical } from '../domain/json.ts';
import { type ReadableEvent, SYSTEM_CHAIN } from '../domain/store.ts';
import type { fold as Fold, ProjectedApproval, Projection } from '../ledger/projections.ts';
import { withoutContent } from './erased.ts';

/** `compared`: rows held against the records. `differences`: in words, the first hundred. */
export interface Comparison {
  readonly compared: number;
  readonly differences: readonly string[];
}

export type Fields = { readonly [field: string]: unknown };

/** A row; undefined when it is not there; an error when it cannot even be read. */
export type Found = Fields | Error | undefined;

export type TableName =
  | 'runs'
  | 'actions'
  | 'approvals'
  | 'bundles'
  | 'halts'
  | 'leases'
  | 'operators'
  | 'secrets';

/** The tables of a store, all of one moment; columns by the names that the records use. */
export interface Tables {
  /** In the order of the ids. */
  rows(table: TableName, ids: readonly (string | number)[]): Promise<readonly Found[]>;
  control(): Promise<Fields | undefined>;
  /** The public key by which the tree is signed. */
  key(): Promise<Fields | undefined>;
  count(table: TableName): Promise<number>;
  /** A row of usage with nothing in it may only be there to be locked. */
  readonly holdsPlaces: boolean;
  /** In pages. `id`: key, line feed, dimension. */
  usage(): AsyncIterable<
    readonly { readonly id: string; readonly posted: number; readonly pending: number }[]
  >;
  tokens(): AsyncIterable<
    readonly (Fields & { readonly hash: string; readonly kind: string; readonly subject: string })[]
  >;
}

const MOST = 100;
/** Rows asked for at once. */
const AT_ONCE = 1_000;

/** Holds every table against the fold of the records: chain by chain, so that no more than one run is in memory. */
export class TableComparison {
  readonly #tables: Tables;
  readonly #told: Projection;
  readonly #fold: typeof Fold;
  readonly #differences: string[] = [];
  readonly #counts = { runs: 0, actions: 0, approvals: 0 };
  #compared = 0;
  #chain: string | null = null;
  #isBroken = false;
  #isWhole = true;

  constructor(tables: Tables, empty: Projection, fold: typeof Fold) {
    this.#tables = tables;
    this.#told = empty;
    this.#fold = fold;
  }

  /** `event` is null for a record that does not hold: its chain is not compared. Undefined where nothing is waited for. */
  add(chain: string, event: ReadableEvent | null): Promise<void> | undefined {
    if (chain === this.#chain) return this.#next(event);
    const ended = this.#endChain();
    return ended.then(() => {
      this.#chain = chain;
      this.#isBroken = false;
      this.#next(event);
    });
  }

  async finish(): Promise<Comparison> {
    await this.#endChain();
    for (const problem of this.#told.problems) this.#differ(problem);
    // Sums over chains mean nothing when a chain is missing from them.
    if (this.#isWhole) await this.#compareWhole();
    return { compared: this.#compared, differences: this.#differences };
  }

  #next(event: ReadableEvent | null): undefined {
    if (event === null) {
      this.#isBroken = true;
      this.#isWhole = false;
    } else if (!this.#isBroken) this.#replay(event);
  }

  #replay(event: ReadableEvent): void {
    try {
      this.#fold(this.#told, event);
    } catch {
      this.#differ(`\`${event.chain}\` ${event.seq} (\`${event.type}\`) cannot be replayed`);
    }
  }

  async #endChain(): Promise<void> {
    const { runs, actions, approvals } = this.#told;
    if (this.#chain !== null && this.#chain !== SYSTEM_CHAIN && !this.#isBroken) {
      const erased = (id: string): number => (this.#told.erased.has(id) ? 1 : 0);
      await this.#rows('run', 'runs', runs, (run, id) => ({ ...run, erased: erased(id) }));
      await this.#rows('action', 'actions', actions, (action) => ({ ...action }));
      await this.#each('approval', 'approvals', approvals, (what, ask, row) =>
        this.#approval(what, ask, row),
      );
    }
    this.#counts.runs += runs.size;
    this.#counts.actions += actions.size;
    this.#counts.approvals += approvals.size;
    for (const map of [runs, actions, approvals]) map.clear();
  }

  /** Without the payload the digest in the record still says what the binding must be. */
  #approval(what: string, { target, content, ...told }: ProjectedApproval, row: Fields): void {
    const found = JSON.parse(String(row.binding)) as ApprovalBinding;
    const { runId, tool, toolDigest, halt, expiresAt } = told;
    const clear = { runId, tool, toolDigest, target, halt, expiresAt };
    if (this.#told.erased.has(runId)) {
      const binding = withoutContent({ ...found, ...clear });
      const gone = { binding, argumentsDigest: null, askKey: null };
      this.#same(what, { ...told, ...gone }, { ...row, binding: found });
      return;
    }
    const binding = { ...((content?.binding ?? found) as ApprovalBinding), ...clear };
    const { argumentsDigest } = binding;
    const key = content?.askKey ?? askKey(runId, tool, argumentsDigest);
    const covered = { binding, argumentsDigest, askKey: key };
    this.#same(what, { ...told, ...covered }, { ...row, binding: found });
    if (approvalDigest(found) !== told.digest)
      this.#differ(`${what}: its binding is not the one of digest \`${told.digest}\``);
  }

  async #compareWhole(): Promise<void> {
    const { halt, bundle, bundles, halts, leases, operators, secrets } = this.#told;
    const control = await this.#tables.control().catch(asError);
    this.#row('the control row', control, (row) =>
      this.#same('the control row', { halt, bundle }, row),
    );
    await this.#rows('halt', 'halts', halts, (one) => ({ ...one }));
    await this.#rows('lease', 'leases', leases, (lease) => ({ ...lease }));
    await this.#rows('operator', 'operators', operators, (one) => ({ ...one }));
    await this.#rows('secret', 'secrets', secrets, (one) => ({ ...one }));
    await this.#bundles();
    await this.#readable('the key of the ledger', async () => {
      const row = await this.#tables.key();
      this.#same('the key of the ledger', { key: this.#told.key }, row ?? { key: null });
    });
    await this.#readable('the tables', () => this.#usage());
    await this.#readable('the tables', () => this.#tokens());
    const { runs, actions, approvals } = this.#counts;
    const counts = { runs, actions, approvals, halts: halts.size, leases: leases.size };
    const others = { bundles: bundles.size, operators: operators.size, secrets: secrets.size };
    for (const [table, number] of Object.entries({ ...counts, ...others })) {
      const rows = await this.#tables.count(table as TableName);
      this.#same(`table \`${table}\``, { rows: number }, { rows });
    }
  }

  /** A digest names what was applied: a bundle that was edited since has another. */
  #bundles(): Promise<void> {
    const told = new Map([...this.#told.bundles].map((digest) => [digest, digest]));
    return this.#each('bundle', 'bundles', told, (what, digest, row) => {
      const bundle = JSON.parse(String(row.body)) as Bundle;
      const found = { digest: bundle.digest, contents: bundleDigest(bundle) };
      this.#same(what, { digest, contents: digest }, found);
    });
  }

  async #usage(): Promise<void> {
    const told = this.#told.usage;
    for await (const page of this.#tables.usage())
      for (const { id, posted, pending } of page) {
        if (this.#tables.holdsPlaces && posted === 0 && pending === 0 && !told.has(id)) continue;
        this.#same(`usage \`${id}\``, { ...told.get(id) }, { posted, pending });
        told.delete(id);
      }
    for (const id of told.keys()) this.#differ(`usage \`${id}\` is not in the table`);
  }

  async #tokens(): Promise<void> {
    const told = this.#told.tokens;
    for await (const page of this.#tables.tokens())
      for (const { hash, ...row } of page) {
        const known = told.get(hash);
        const what = `token of ${row.kind} \`${row.subject}\``;
        if (known === undefined) this.#differ(`${what} was issued by no record`);
        else this.#same(what, { ...known, revoked: known.revoked ? 1 : 0 }, row);
        told.delete(hash);
      }
    for (const { kind, subject } of told.values())
      this.#differ(`token of ${kind} \`${subject}\` is not in the table`);
  }

  #rows<K extends string | number, V>(
    noun: string,
    table: TableName,
    told: ReadonlyMap<K, V>,
    fields: (value: V, id: K) => Fields,
  ): Promise<void> {
    return this.#each(noun, table, told, (what, value, row, id) =>
      this.#same(what, fields(value, id), parsed(row)),
    );
  }

  async #each<K extends string | number, V>(
    noun: string,
    table: TableName,
    told: ReadonlyMap<K, V>,
    compare: (what: string, value: V, row: Fields, id: K) => void,
  ): Promise<void> {
    const entries = [...told];
    for (let first = 0; first < entries.length; first += AT_ONCE) {
      const some = entries.slice(first, first + AT_ONCE);
      const ids = some.map(([id]) => id);
      const rows = await this.#tables.rows(table, ids);
      for (const [place, [id, value]] of some.entries()) {
        const what = noun === 'halt' ? `halt ${id}` : `${noun} \`${cut(String(id))}\``;
        this.#row(what, rows[place], (row) => compare(what, value, row, id));
      }
    }
  }

  /** A value that cannot even be read (JSON that is none, a number too large) is a difference, not a fault of ours. */
  #row(what: string, found: Found, compare: (row: Fields) => void): void {
    try {
      if (found === undefined) this.#differ(`${what} is not in the table`);
      else if (found instanceof Error) throw found;
      else compare(found);
    } catch (error) {
      this.#differ(`${what} cannot be read: ${asError(error).message}`);
    }
  }

  async #readable(what: string, compare: () => Promise<void>): Promise<void> {
    try {
      await compare();
    } catch (error) {
      this.#differ(`${what} cannot be read: ${asError(error).message}`);
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

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('an unknown fault');
}

const JSON_COLUMNS = new Set(['budget', 'reservations', 'tools', 'actsFor']);

function parsed(row: Fields): Fields {
  const json = Object.entries(row).filter(
    ([name, value]) => JSON_COLUMNS.has(name) && value !== null,
  );
  return {
    ...row,
    ...Object.fromEntries(json.map(([name, text]) => [name, JSON.parse(String(text))])),
  };
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
