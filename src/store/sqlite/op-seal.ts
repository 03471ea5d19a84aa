import type { LedgerSeal, OpResults } from '../../domain/ops.ts';
import type { StoredTile } from '../../domain/store.ts';
import { recordLeaf, signCheckpoint } from '../../ledger/checkpoint.ts';
import { ledgerKeyed } from '../../ledger/record.ts';
import { Edge, edgePlaces } from '../../ledger/tiles.ts';
import { amountFor, missingRecord, newSigner, requireMost, Seals } from '../signer.ts';
import type { Database } from './database.ts';
import type { Transaction } from './transaction.ts';
import type { NumberedRecord } from './unsealed.ts';

interface Head {
  readonly verifier: string;
  readonly signer: Uint8Array;
  readonly size: number;
  readonly signed: number;
}

/** Remembers the edge of the tree. It is wrong after a commit was taken back, which its size then tells. */
export class SqliteSeals extends Seals {
  edge = new Edge();
}

export function seal(tx: Transaction, op: LedgerSeal): OpResults['ledger.seal'] {
  requireMost(op);
  const { database, chains, seals } = tx;
  const head = headOf(database) ?? found(tx, op.at);
  if (seals.edge.size !== head.size)
    seals.edge = Edge.of(head.size, readTiles(database, edgePlaces(head.size)));
  const { edge } = seals;
  const last = database.one<{ last: number }>('SELECT max(id) AS last FROM events')?.last ?? 0;
  const amount = amountFor(op.most, head.size, last - head.size);
  const records =
    chains.unsealed.after(head.size, amount) ??
    database.all<NumberedRecord>(
      'SELECT id, chain, seq, hash FROM events WHERE id > ? ORDER BY id LIMIT ?',
      head.size,
      amount,
    );
  for (const record of records) {
    if (record.id !== edge.size + 1) throw missingRecord(edge.size + 1);
    edge.append(recordLeaf(record));
  }
  if (records.length > 0) writeTree(database, edge);
  const left = last - edge.size;
  const isDue = edge.size > head.signed && (left === 0 || op.sign);
  const checkpoint = isDue ? signed(tx, head, op.at) : null;
  return { ok: true, sealed: records.length, left, checkpoint };
}

/** The first seal of this ledger: its key is made, and the system chain says which. */
function found({ database, chains, seals }: Transaction, at: number): Head {
  const { ledger } = database.one<{ ledger: string }>('SELECT ledger FROM control') as {
    ledger: string;
  };
  const { verifier, signer } = newSigner(ledger, seals);
  database.run(
    `INSERT INTO tree (id, verifier, signer, size, signed_size, signed_root)
     VALUES (1, ?, ?, 0, 0, '')`,
    verifier,
    signer,
  );
  chains.append(ledgerKeyed(verifier, at));
  return { verifier, signer, size: 0, signed: 0 };
}

function headOf(database: Database): Head | undefined {
  return database.one<Head>('SELECT verifier, signer, size, signed_size AS signed FROM tree');
}

function writeTree(database: Database, edge: Edge): void {
  for (const { level, place, hashes } of edge.takeChanged())
    database.run(
      `INSERT INTO tiles (level, place, hashes) VALUES (?, ?, ?)
       ON CONFLICT (level, place) DO UPDATE SET hashes = excluded.hashes`,
      level,
      place,
      hashes,
    );
  database.run('UPDATE tree SET size = ? WHERE id = 1', edge.size);
}

/** Nobody sees the note before the row that holds it is durable: no other tree of this size can be signed after it. */
function signed({ database, seals }: Transaction, head: Head, at: number): string {
  const key = seals.keyOf(head);
  const { size } = seals.edge;
  const root = seals.edge.root();
  const note = signCheckpoint({ origin: key.name, size, root }, key);
  database.run(
    `UPDATE tree SET signed_size = ?, signed_root = ?, checkpoint = ?, signed_at = ? WHERE id = 1`,
    size,
    root.toString('base64'),
    note,
    at,
  );
  return note;
}

/** Those that there are. */
export function readTiles(
  database: Database,
  places: readonly Pick<StoredTile, 'level' | 'place'>[],
): StoredTile[] {
  return places.flatMap(({ level, place }) => {
    const tile = database.one<StoredTile>(
      'SELECT level, place, hashes FROM tiles WHERE level = ? AND place = ?',
      level,
      place,
    );
    return tile === undefined ? [] : [tile];
  });
}
