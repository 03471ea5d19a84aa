import type { SealedRecord } from '../../ledger/checkpoint.ts';
import { type StoredTree, type TreeReport, TreeVerification } from '../../ledger/verify-tree.ts';
import { readTiles, THERE } from './seal-reads.ts';
import type { Session } from './session.ts';

/** Leaves read at once. */
const PAGE = 1_000;

const TREE = {
  name: 'stored-tree',
  text: `SELECT verifier, size, signed_size AS signed, signed_root AS root, checkpoint FROM tree`,
};
const LEAVES = {
  name: 'stored-leaves',
  text: `SELECT leaf, chain, seq, hash FROM leaves LEFT JOIN events ON events.id = event
    WHERE leaf > $1 ORDER BY leaf LIMIT ${PAGE}`,
};
const TILES = { name: 'tile-count', text: 'SELECT count(*) AS n FROM tiles' };
/** Records without a leaf; those of them that wait; all that wait. The three are one. */
const WAITING = {
  name: 'waiting-records',
  text: `SELECT count(*) AS unsealed, count(unsealed.event) AS waiting,
      (SELECT count(*) FROM unsealed) AS all
    FROM events LEFT JOIN leaves ON leaves.event = id LEFT JOIN unsealed ON unsealed.event = id
    WHERE leaf IS NULL`,
};

interface Leaf extends Omit<SealedRecord, 'hash'> {
  readonly leaf: number;
  /** Null when its record is gone. */
  readonly hash: string | null;
}

/** The whole tree again, in the transaction of the caller: each leaf once and in order, over the record it is of. */
export async function verifyTree(
  session: Session,
  pause?: () => Promise<void>,
): Promise<TreeReport> {
  const [found] = await session.rows<{ there: boolean }>(THERE, []);
  const [stored] = found?.there === true ? await session.rows<StoredTree>(TREE, []) : [];
  const tree = new TreeVerification(
    stored ?? null,
    async (at) => (await readTiles(session, [at]))[0],
  );
  if (found?.there !== true) return tree.finish(0);
  let next = 0;
  for (let page: Leaf[] = []; next === 0 || page.length === PAGE; ) {
    page = await session.rows<Leaf>(LEAVES, [next - 1]);
    for (const { leaf, hash, ...place } of page) {
      const gone = hash === null ? 'a record that is gone' : `leaf ${leaf}`;
      if (leaf !== next++ || leaf >= (stored?.size ?? 0) || hash === null) {
        tree.broken(`a record at leaf ${next - 1} of ${stored?.size ?? 0}`, gone);
        return tree.finish(await countOf(session));
      }
      const compared = tree.add({ ...place, hash });
      if (compared !== undefined) await compared;
    }
    if (page.length === 0) break;
    await pause?.();
  }
  const [waits] = await session.rows<{ unsealed: number; waiting: number; all: number }>(
    WAITING,
    [],
  );
  const { unsealed = 0, waiting = 0, all = 0 } = waits ?? {};
  if (unsealed !== waiting || waiting !== all)
    tree.broken(`${unsealed} records that wait to be sealed`, `${waiting} of ${all}`);
  tree.waiting(unsealed);
  return tree.finish(await countOf(session));
}

async function countOf(session: Session): Promise<number> {
  const [row] = await session.rows<{ n: number }>(TILES, []);
  return row?.n ?? 0;
}
