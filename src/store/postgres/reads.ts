import type { Bundle } from '../../domain/bundle.ts';
import type { Lease } from '../../domain/credential.ts';
import type { Dimension } from '../../domain/effect.ts';
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
import { refusedIn } from '../approvals.ts';
import { type LeaseRow, type OpenRow, openActionOf, ownedLeaseOf } from '../owned.ts';
import { type LiveRow, liveRunOf } from '../tree.ts';
import { RUN_COLUMNS, type RunRow, readFacts, readHalts, runOf } from './facts.ts';
import { TAKEN } from './op-claims.ts';
import { type StoredToken, tokenOf } from './op-identity.ts';
import type { Payloads } from './payloads.ts';
import { ALIVE } from './raising.ts';
import type { Session } from './session.ts';
import { Together } from './together.ts';

/** Bundles kept: they are named by their content and never change. */
const KEPT_BUNDLES = 64;

const TOKENS = {
  name: 'tokens',
  text: `SELECT hash, kind, subject, expires_at, revoked FROM tokens WHERE hash = ANY ($1)`,
};
/** A row that only holds a place for its lock says nothing. */
const USAGE = {
  name: 'used',
  text: `SELECT key, dimension, posted, pending FROM usage
    WHERE key = ANY ($1) AND (posted <> 0 OR pending <> 0) ORDER BY key, dimension`,
};
/** At least one row, which then counts no ask. */
const REPEATS = {
  name: 'repeats',
  text: `SELECT attempts, coalesce(asks.same, false) AS same, coalesce(asks.n, 0) AS n
    FROM (SELECT count(*) AS attempts FROM actions
      WHERE root = $1 AND tool = $2 AND arguments_digest = $3 AND purpose = 'execute'
        AND halt IS NOT NULL AND state <> 'refused') AS made
    LEFT JOIN (SELECT coalesce(arguments_digest = $3, false) AS same, count(*) AS n FROM approvals
      WHERE state = 'refused' AND tool = $2 AND run_id IN (SELECT id FROM runs WHERE root = $1)
      GROUP BY 1) AS asks ON true`,
};
const RUN = { name: 'run', text: `SELECT ${RUN_COLUMNS} FROM runs WHERE id = $1` };
const UNDER = {
  name: 'runs-under',
  text: 'SELECT id FROM runs WHERE root = $1 AND id <> $1 ORDER BY id',
};
const LIVE = {
  name: 'live-runs',
  text: `SELECT id, agent, parent, acts_for FROM runs WHERE state = 'live' ORDER BY id`,
};
const BUNDLE = { name: 'bundle', text: 'SELECT body FROM bundles WHERE digest = $1' };
const OPEN = {
  name: 'open-actions',
  text: `SELECT id, run_id, tool, tool_digest, connection, purpose, trace, state, bundle, at, replica
    FROM actions
    WHERE state IN ('open', 'running') ORDER BY at, id`,
};
const LEASE = `id, run_id, agent, connection, issuer, handle, revocability, state, minted_at,
      expires_at, replica`;
/** Each planned once, for what is asked: by its own index. */
const LEASES = {
  all: {
    name: 'leases',
    text: `SELECT ${LEASE} FROM leases WHERE $1::text[] IS NULL OR state = ANY ($1) ORDER BY id`,
  },
  alive: {
    name: 'leases-alive',
    text: `SELECT ${LEASE} FROM leases WHERE ${ALIVE} AND state = ANY ($1) ORDER BY id`,
  },
  ofRun: {
    name: 'leases-of-run',
    text: `SELECT ${LEASE} FROM leases
      WHERE run_id = $2 AND ($1::text[] IS NULL OR state = ANY ($1)) ORDER BY id`,
  },
};
const isAlive = (state: Lease['state']): boolean => state !== 'dead' && state !== 'residual';
const OPERATOR = { name: 'operator', text: 'SELECT name, role FROM operators WHERE name = $1' };
const OPERATORS = { name: 'operators', text: 'SELECT count(*) AS n FROM operators' };
const SECRET = { name: 'secret', text: 'SELECT sealed, version FROM secrets WHERE name = $1' };
const SECRETS = {
  name: 'secrets',
  text: 'SELECT name, version, at FROM secrets ORDER BY name',
};

/** Carries out a read on a connection; throws SignalboxError `STORE_DOWN`. */
export type OnLine = <T>(read: (session: Session) => Promise<T>) => Promise<T>;

/**
 * The reads of the hot path: what one turn of the event loop asks goes over in few statements. Nothing that can end
 * elsewhere is answered from memory.
 */
export class Reads {
  readonly #on: OnLine;
  readonly #payloads: Payloads;
  readonly #bundles = new Map<string, Bundle>();
  readonly #facts: Together<FactsQuery, StoreFacts>;
  readonly #tokens: Together<string, TokenRow | null>;
  readonly #usage: Together<readonly string[], readonly Usage[]>;
  readonly #halts: Together<null, Awaited<ReturnType<typeof readHalts>>>;

  constructor(on: OnLine, payloads: Payloads, soon: (flush: () => void) => void) {
    this.#on = on;
    this.#payloads = payloads;
    this.#facts = new Together(
      (queries) => on((session) => readFacts(session, payloads, queries)),
      soon,
    );
    this.#tokens = new Together((hashes) => on((session) => tokensOf(session, hashes)), soon);
    this.#usage = new Together((asked) => on((session) => usageOf(session, asked)), soon);
    this.#halts = new Together(
      (asked) =>
        on(async (session) => {
          const state = await readHalts(session);
          return asked.map(() => state);
        }),
      soon,
    );
  }

  factsFor(query: FactsQuery): Promise<StoreFacts> {
    return this.#facts.ask(query);
  }
  usage(keys: readonly string[]): Promise<readonly Usage[]> {
    return this.#usage.ask(keys);
  }
  token(hash: string): Promise<TokenRow | null> {
    return this.#tokens.ask(hash);
  }
  haltState(): ReturnType<typeof readHalts> {
    return this.#halts.ask(null);
  }

  repeats({ root, tool, argumentsDigest }: Parameters<Store['repeats']>[0]): Promise<Repeats> {
    return this.#on(async (session) => {
      const rows = await session.rows<{ same: boolean; n: number; attempts: number }>(REPEATS, [
        root,
        tool,
        argumentsDigest,
      ]);
      return { attempts: rows[0]?.attempts ?? 0, ...refusedIn(rows) };
    });
  }

  run(id: string): Promise<Run | null> {
    return this.#on(async (session) => {
      const [row] = await session.rows<RunRow>(RUN, [id]);
      if (row === undefined) return null;
      return runOf(row, (await this.#payloads.intents(session, [row]))(id));
    });
  }

  async bundle(digest: string): Promise<Bundle | null> {
    const known = this.#bundles.get(digest);
    if (known !== undefined) return known;
    const row = await this.#one<{ body: string }>(BUNDLE, digest);
    if (row === undefined) return null;
    const bundle = JSON.parse(row.body) as Bundle;
    if (this.#bundles.size >= KEPT_BUNDLES) this.#bundles.clear();
    this.#bundles.set(digest, bundle);
    return bundle;
  }

  liveRuns(): Promise<LiveRun[]> {
    return this.#on(async (session) => (await session.rows<LiveRow>(LIVE, [])).map(liveRunOf));
  }

  runsUnder(root: string): Promise<string[]> {
    return this.#on(async (session) => {
      const rows = await session.rows<{ id: string }>(UNDER, [root]);
      return [root, ...rows.map(({ id }) => id)];
    });
  }

  openActions(): Promise<OpenAction[]> {
    return this.#on(async (session) => (await session.rows<OpenRow>(OPEN, [])).map(openActionOf));
  }

  leases(filter: {
    readonly state?: readonly Lease['state'][];
    readonly runId?: string;
  }): Promise<OwnedLease[]> {
    return this.#on(async (session) => {
      const { runId, state = null } = filter;
      const rows = await (runId !== undefined
        ? session.rows<LeaseRow>(LEASES.ofRun, [state, runId])
        : session.rows<LeaseRow>(state?.every(isAlive) ? LEASES.alive : LEASES.all, [state]));
      return rows.map(ownedLeaseOf);
    });
  }

  async operator(
    name: string,
  ): Promise<{ readonly name: string; readonly role: 'owner' | 'operator' } | null> {
    return (await this.#one<{ name: string; role: 'owner' | 'operator' }>(OPERATOR, name)) ?? null;
  }

  async operatorCount(): Promise<number> {
    return (await this.#one<{ n: number }>(OPERATORS))?.n ?? 0;
  }

  async secret(
    name: string,
  ): Promise<{ readonly sealed: string; readonly version: number } | null> {
    return (await this.#one<{ sealed: string; version: number }>(SECRET, name)) ?? null;
  }

  async isTaken(claim: string): Promise<boolean> {
    return (await this.#one(TAKEN, claim)) !== undefined;
  }

  secretNames(): Promise<
    { readonly name: string; readonly version: number; readonly at: number }[]
  > {
    return this.#on((session) => session.rows(SECRETS, []));
  }

  #one<R>(statement: Parameters<Session['rows']>[0], ...values: string[]): Promise<R | undefined> {
    return this.#on(async (session) => (await session.rows<R>(statement, values))[0]);
  }
}

async function tokensOf(session: Session, hashes: readonly string[]): Promise<(TokenRow | null)[]> {
  const rows = await session.rows<StoredToken>(TOKENS, [hashes]);
  const found = new Map(rows.map((row) => [row.hash, tokenOf(row)]));
  return hashes.map((hash) => found.get(hash) ?? null);
}

async function usageOf(
  session: Session,
  asked: readonly (readonly string[])[],
): Promise<(readonly Usage[])[]> {
  const rows = await session.rows<{
    key: string;
    dimension: Dimension;
    posted: number;
    pending: number;
  }>(USAGE, [[...new Set(asked.flat())]]);
  const byKey = Map.groupBy(rows, ({ key }) => key);
  return asked.map((keys) => keys.flatMap((key) => byKey.get(key) ?? []));
}
