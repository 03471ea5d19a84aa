import type { Seal, Store, StoredTile } from '../../domain/store.ts';
import { requireKnown } from '../schema.ts';
import type { PostgresAddress } from './address.ts';
import { takenSteps } from './migrate.ts';
import { downBecause, Session } from './session.ts';

const SEAL = {
  name: 'seal',
  text: `SELECT verifier, signer, size, checkpoint AS note, signed_at AS at,
      (SELECT count(*) FROM unsealed) AS unsealed FROM tree`,
};
export const TILES = {
  name: 'tiles',
  text: `SELECT level, place, hashes FROM tiles
    JOIN unnest($1::integer[], $2::bigint[]) AS asked (level, place) USING (level, place)`,
};
const LEAF = {
  name: 'leaf-of',
  text: `SELECT leaf FROM events JOIN leaves ON event = events.id WHERE chain = $1 AND seq = $2`,
};

export const THERE = {
  name: 'tree-there',
  text: `SELECT to_regclass('tree') IS NOT NULL AS there`,
};

interface SealRow extends Omit<Seal, 'checkpoint'> {
  readonly note: string | null;
  readonly at: number | null;
}

/** Null before the first seal. */
export async function sealOf(session: Session): Promise<Seal | null> {
  const [row] = await session.rows<SealRow>(SEAL, []);
  if (row === undefined) return null;
  const { note, at, ...seal } = row;
  return { ...seal, checkpoint: note === null || at === null ? null : { note, at } };
}

/** Those that there are. */
export function readTiles(
  session: Session,
  places: readonly Pick<StoredTile, 'level' | 'place'>[],
): Promise<StoredTile[]> {
  return session.rows<StoredTile>(TILES, placeColumns(places));
}

export function placeColumns(
  places: readonly Pick<StoredTile, 'level' | 'place'>[],
): [number[], number[]] {
  return [places.map(({ level }) => level), places.map(({ place }) => place)];
}

/** Null while the record is not in the tree, or is not at all. */
export async function leafOf(session: Session, chain: string, seq: number): Promise<number | null> {
  const [row] = await session.rows<{ leaf: number }>(LEAF, [chain, seq]);
  return row?.leaf ?? null;
}

/** The signed tree of a database, whether a Signalbox runs on it or not; to be closed. Throws SignalboxError. */
export async function openPostgresTree(
  address: PostgresAddress,
): Promise<Pick<Store, 'seal' | 'tiles'> & { close(): Promise<void> }> {
  const session = await Session.open(address, { use: 'tree' });
  try {
    requireKnown(await takenSteps(session), 'postgres');
    // A store that this program never served has no tree yet.
    const [found] = await session.rows<{ there: boolean }>(THERE, []);
    const there = found?.there === true;
    return {
      seal: async () => (there ? sealOf(session) : null),
      tiles: async (places) => (there ? readTiles(session, places) : []),
      close: () => session.end(),
    };
  } catch (error) {
    await session.end();
    throw downBecause(error);
  }
}
