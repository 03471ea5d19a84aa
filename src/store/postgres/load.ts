import type { Drawn } from '../ground.ts';
import type { Chains, StoredKey } from './chains.ts';
import { gateKey, LOCK_CLASS } from './locks.ts';
import type { Loaded, Picture } from './picture.ts';
import type { Places } from './places.ts';
import type { Session } from './session.ts';

/*
 * How a batch begins. All of it goes over at once and is answered at once. Each statement sees what was committed when
 * the locks before it were granted; a head and a row of usage are seen as they are once they are locked.
 */

const GATE = { name: 'gate', text: 'SELECT pg_advisory_xact_lock_shared($1)' };
const GATE_ALONE = { name: 'gate-alone', text: 'SELECT pg_advisory_xact_lock($1)' };
const XID = { name: 'xid', text: 'SELECT pg_current_xact_id()::text AS xid' };

const TREES = {
  name: 'trees',
  text: `SELECT pg_advisory_xact_lock(${LOCK_CLASS}, tree) FROM (
      SELECT DISTINCT hashtext(root) AS tree FROM runs WHERE id = ANY ($1) ORDER BY 1) AS trees`,
};

/** Live sub-runs in the trees of these runs: all that may end with them. */
const liveBelow = (runs: string) => `SELECT below.id FROM runs AS above JOIN runs AS below
      ON below.root = above.root AND below.parent IS NOT NULL AND below.state = 'live'
      WHERE above.id = ANY (${runs})`;

const HEADS = {
  name: 'heads',
  text: `SELECT chain, seq, hash FROM chain_heads
    WHERE chain IN (SELECT unnest($1::text[])
      UNION ${liveBelow('$4')}
      UNION SELECT run_id FROM approvals WHERE id = ANY ($2)
      UNION SELECT subject FROM tokens WHERE hash = ANY ($3) AND kind = 'run')
    ORDER BY chain FOR NO KEY UPDATE`,
};

const NEW_USAGE = {
  name: 'new-usage',
  text: `INSERT INTO usage (key, dimension, posted, pending)
    SELECT key, dimension, 0, 0 FROM unnest($1::text[], $2::text[]) AS asked (key, dimension)
    ORDER BY 1, 2 ON CONFLICT DO NOTHING`,
};

const USAGE = {
  name: 'usage',
  text: `SELECT key, dimension, posted, pending FROM usage
    WHERE (key, dimension) IN (SELECT * FROM unnest($1::text[], $2::text[])
      UNION SELECT held->>'key', held->>'dimension'
        FROM actions, json_array_elements(reservations::json) AS held WHERE id = ANY ($3))
    ORDER BY key, dimension FOR NO KEY UPDATE`,
};

const TABLES = {
  name: 'tables',
  text: `SELECT json_build_object('halt', halt, 'bundle', bundle) AS control,
    (SELECT json_agg(json_build_object('epoch', epoch, 'scope', scope)) FROM halts
      WHERE state <> 'lifted') AS in_force,
    (SELECT json_agg(json_build_object('epoch', epoch, 'scope', scope)) FROM halts
      WHERE epoch > least((SELECT min(halt) FROM actions WHERE id = ANY ($2)),
        (SELECT min(halt) FROM approvals WHERE id = ANY ($3)), $4)) AS later,
    (WITH RECURSIVE up AS (
       SELECT id, root, parent, agent, state, expires_at, erased FROM runs WHERE id = ANY ($1)
       UNION SELECT runs.id, runs.root, runs.parent, runs.agent, runs.state, runs.expires_at,
         runs.erased FROM up JOIN runs ON runs.id = up.parent)
     SELECT json_agg(up) FROM up) AS runs,
    (SELECT json_agg(json_build_object('id', id, 'run_id', run_id, 'state', state, 'halt', halt,
      'reservations', reservations)) FROM actions WHERE id = ANY ($2)) AS actions,
    (SELECT json_agg(json_build_object('id', id, 'run_id', run_id, 'tool', tool,
      'tool_digest', tool_digest, 'arguments_digest', arguments_digest, 'state', state,
      'halt', halt, 'expires_at', expires_at)) FROM approvals WHERE id = ANY ($3)) AS approvals
    FROM control`,
};

const KEYS = {
  name: 'keys',
  text: `SELECT chain, encode(wrapped, 'hex') AS wrapped FROM chain_keys WHERE chain = ANY ($1)`,
};
const KEYS_OF = {
  name: 'keys-of',
  text: `SELECT chain, encode(wrapped, 'hex') AS wrapped FROM chain_keys
    WHERE chain IN (SELECT unnest($1::text[])
      UNION ${liveBelow('$4')}
      UNION SELECT run_id FROM approvals WHERE id = ANY ($2)
      UNION SELECT subject FROM tokens WHERE hash = ANY ($3) AND kind = 'run')`,
};

interface Head {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string;
}

/** Rows of usage that are known to be there: they are never deleted. */
export class KnownUsage {
  readonly #known = new Set<string>();

  new(usage: Places['usage']): Places['usage'] {
    return usage.filter(({ key, dimension }) => !this.#known.has(`${key}\n${dimension}`));
  }

  committed(usage: Places['usage']): void {
    if (this.#known.size > 100_000) this.#known.clear();
    for (const { key, dimension } of usage) this.#known.add(`${key}\n${dimension}`);
  }
}

export interface Loading {
  readonly session: Session;
  readonly places: Places;
  readonly chains: Chains;
  readonly picture: Picture;
  readonly known: KnownUsage;
}

/** Begins the transaction, takes its locks in their order and reads what it needs. Its number comes back. */
export async function lockAndLoad(loading: Loading): Promise<string> {
  const { session, places, chains, picture, known } = loading;
  const { runs, approvals, tokens, actions, usage, trees, ends } = places;
  const added = known.new(usage);
  const asked = columns(usage);
  const [, , [number], , heads, , rows, keys] = await together([
    session.say('BEGIN ISOLATION LEVEL READ COMMITTED'),
    session.rows(places.isAlone ? GATE_ALONE : GATE, [gateKey(session.key)]),
    session.rows<{ xid: string }>(XID, []),
    trees.length === 0 ? Promise.resolve([]) : session.rows(TREES, [trees]),
    session.rows<Head>(HEADS, [runs, approvals, tokens, ends]),
    added.length === 0 ? Promise.resolve(0) : session.run(NEW_USAGE, columns(added)),
    asked[0].length === 0 && actions.length === 0
      ? Promise.resolve([])
      : session.rows<Drawn>(USAGE, [...asked, actions]),
    session.rows<StoredKey>(KEYS_OF, [runs, approvals, tokens, ends]),
    loadTables(loading),
  ]);
  if (number === undefined) throw new Error('the transaction has no number');
  chains.locked(heads);
  chains.unlock(keys);
  picture.hold(rows);
  return number.xid;
}

/** Reads the tables, at first and after an op that may have changed them by itself. */
export async function loadTables({ session, places, picture }: Loading): Promise<void> {
  const { runs, gates, actions, approvals, since } = places;
  const [loaded] = await session.rows<Loaded>(TABLES, [
    [...runs, ...gates],
    actions,
    approvals,
    since,
  ]);
  if (loaded === undefined) throw new Error('the store has no control row');
  picture.show(loaded);
}

/** Locks chains that were not foreseen: the system's, which is last in order; others only when alone. */
export async function lockChains(
  session: Session,
  chains: Chains,
  names: readonly string[],
): Promise<void> {
  const wanted = names.filter((name) => !chains.holds(name));
  if (wanted.length === 0) return;
  const [heads, keys] = await together([
    session.rows<Head>(HEADS, [wanted, [], [], []]),
    session.rows<StoredKey>(KEYS, [wanted]),
  ]);
  chains.locked(heads);
  chains.unlock(keys);
}

function columns(usage: Places['usage']): [string[], string[]] {
  return [usage.map(({ key }) => key), usage.map(({ dimension }) => dimension)];
}

/** Everything that was sent is answered; the first failure is the one that says why. */
export async function together<T extends readonly Promise<unknown>[]>(
  sent: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const answers = await Promise.allSettled(sent);
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  return answers.map((answer) => (answer as PromiseFulfilledResult<unknown>).value) as {
    -readonly [K in keyof T]: Awaited<T[K]>;
  };
}
