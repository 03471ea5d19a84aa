import { SignalboxError } from '../../domain/errors.ts';
import type { LedgerSeal, OpResults } from '../../domain/ops.ts';
import { type StoredTile, SYSTEM_CHAIN } from '../../domain/store.ts';
import { recordLeaf, type SealedRecord, signCheckpoint } from '../../ledger/checkpoint.ts';
import { ledgerKeyed } from '../../ledger/record.ts';
import { Edge, edgePlaces } from '../../ledger/tiles.ts';
import { refused } from '../ground.ts';
import { amountFor, newSigner, requireMost } from '../signer.ts';
import { SEAL_CLASS } from './locks.ts';
import { placeColumns, TILES } from './seal-reads.ts';
import type { Transaction } from './transaction.ts';

/*
 * One replica at a time seals: whoever gets the lock, until its commit. Records are numbered by the database before they
 * are committed and appear in another order, so none is ever looked for behind the last one that was sealed: the
 * statement that records also notes what waits (`unsealed`), and what is seen there is committed.
 */

/** Waiting records are counted up to here. */
const COUNTED = 10_000;

const TRY = {
  name: 'seal-try',
  text: `SELECT pg_try_advisory_xact_lock($1::bigint * 4294967296 + 'control'::regclass::oid::int8)
    AS ours`,
};
const HEAD = {
  name: 'seal-head',
  text: 'SELECT verifier, signer, size, signed_size AS signed FROM tree',
};
const LEDGER = { name: 'seal-ledger', text: 'SELECT ledger FROM control' };
const FOUND = {
  name: 'seal-found',
  text: `INSERT INTO tree (id, verifier, signer, size, signed_size, signed_root)
    VALUES (1, $1, $2, 0, 0, '')`,
};
const WAITING = {
  name: 'seal-waiting',
  text: `SELECT count(*) AS n FROM (SELECT 1 FROM unsealed LIMIT ${COUNTED}) AS counted`,
};
const TAKE = {
  name: 'seal-take',
  text: `WITH taken AS (DELETE FROM unsealed
      WHERE event IN (SELECT event FROM unsealed ORDER BY event LIMIT $1) RETURNING event)
    SELECT event, chain, seq, hash FROM taken LEFT JOIN events ON events.id = event ORDER BY event`,
};
const LEAVES = {
  name: 'seal-leaves',
  text: `INSERT INTO leaves (leaf, event) SELECT $1::bigint + place - 1, event
    FROM unnest($2::bigint[]) WITH ORDINALITY AS sealed (event, place)`,
};
const WRITE_TILES = {
  name: 'seal-tiles',
  text: `INSERT INTO tiles (level, place, hashes)
    SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[])
    ON CONFLICT (level, place) DO UPDATE SET hashes = excluded.hashes`,
};
const GROWN = { name: 'seal-grown', text: 'UPDATE tree SET size = $1 WHERE id = 1' };
const SIGNED = {
  name: 'seal-signed',
  text: `UPDATE tree SET signed_size = $1, signed_root = $2, checkpoint = $3, signed_at = $4
    WHERE id = 1`,
};

interface Head {
  readonly verifier: string;
  readonly signer: Uint8Array;
  readonly size: number;
  readonly signed: number;
}

export async function seal(tx: Transaction, op: LedgerSeal): Promise<OpResults['ledger.seal']> {
  requireMost(op);
  const lock = await tx.one<{ ours: boolean }>(TRY, SEAL_CLASS);
  if (lock?.ours !== true) return refused('elsewhere');
  // What this batch recorded before is sealed with the rest.
  tx.flush();
  const head = (await tx.one<Head>(HEAD)) ?? (await found(tx, op.at));
  const edge = await edgeOf(tx, head.size);
  const waiting = Number((await tx.one<{ n: number }>(WAITING))?.n ?? 0);
  const sealed = await take(tx, edge, amountFor(op.most, head.size, waiting));
  const left = waiting - sealed;
  const isDue = edge.size > head.signed && (left === 0 || op.sign);
  const checkpoint = isDue ? await signed(tx, head, edge, op.at) : null;
  return { ok: true, sealed, left, checkpoint };
}

/** The first seal of this ledger: its key is made, and the system chain says which. */
async function found(tx: Transaction, at: number): Promise<Head> {
  const control = await tx.one<{ ledger: string }>(LEDGER);
  const { verifier, signer } = newSigner(control?.ledger ?? '', tx.seals);
  await tx.lock(SYSTEM_CHAIN);
  await tx.run(FOUND, verifier, signer);
  tx.chains.append(ledgerKeyed(verifier, at));
  tx.flush();
  return { verifier, signer, size: 0, signed: 0 };
}

/** Read again each time: another replica may have sealed meanwhile, or what this one sealed was taken back. */
async function edgeOf(tx: Transaction, size: number): Promise<Edge> {
  const places = edgePlaces(size);
  return Edge.of(size, await tx.all<StoredTile>(TILES, ...placeColumns(places)));
}

async function take(tx: Transaction, edge: Edge, most: number): Promise<number> {
  if (most === 0) return 0;
  const records = await tx.all<SealedRecord & { event: number }>(TAKE, most);
  const first = edge.size;
  for (const record of records) {
    if (record.hash === null)
      throw new SignalboxError('LEDGER_BROKEN', `record ${record.event} of the ledger is missing`);
    edge.append(recordLeaf(record));
  }
  await tx.run(
    LEAVES,
    first,
    records.map(({ event }) => event),
  );
  const tiles = edge.takeChanged();
  await tx.run(
    WRITE_TILES,
    ...placeColumns(tiles),
    tiles.map(({ hashes }) => hashes),
  );
  await tx.run(GROWN, edge.size);
  return records.length;
}

/** Nobody sees the note before the row that holds it is durable: no other tree of this size can be signed after it. */
async function signed(tx: Transaction, head: Head, edge: Edge, at: number): Promise<string> {
  const key = tx.seals.keyOf(head);
  const { size } = edge;
  const root = edge.root();
  const note = signCheckpoint({ origin: key.name, size, root }, key);
  await tx.run(SIGNED, size, root.toString('base64'), note, at);
  return note;
}
