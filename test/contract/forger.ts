import { GENESIS, hashOf } from '../../src/ledger/chain.ts';
import { recordLeaf, type SealedRecord, signCheckpoint } from '../../src/ledger/checkpoint.ts';
import { type SigningKey, signingKey } from '../../src/ledger/signed-note.ts';
import { Edge } from '../../src/ledger/tiles.ts';
import type { StoredRecord } from '../../src/ledger/verify.ts';
import type { SqliteCore } from '../../src/store/sqlite/core.ts';
import type { Database } from '../../src/store/sqlite/database.ts';

/*
 * Somebody who can write the file and knows the format, but has no master key. Every step is what they would have to do;
 * the tests say which of them is found, and by what.
 */

/** Whoever can edit the file can drop what guards it. */
export function unguarded({ database }: SqliteCore): Database {
  database.raw.exec(`PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
    DROP TRIGGER IF EXISTS events_keep_update; DROP TRIGGER IF EXISTS events_keep_delete;
    DROP TRIGGER IF EXISTS tree_keep_update; DROP TRIGGER IF EXISTS tree_keep_delete;
    DROP TRIGGER IF EXISTS tiles_keep_update; DROP TRIGGER IF EXISTS tiles_keep_delete`);
  return database;
}

/** Every chain linked again over what its records now say, anchors of runs included. */
export function relinked(database: Database): void {
  const heads = new Map<string, { first: string; head: string }>();
  const chains = database.all<{ chain: string }>(
    `SELECT DISTINCT chain FROM events ORDER BY chain = 'system', chain`,
  );
  for (const { chain } of chains) {
    let previous = GENESIS;
    let first = '';
    for (const record of database.all<StoredRecord>(
      'SELECT id, chain, seq, at, type, body FROM events WHERE chain = ? ORDER BY seq',
      chain,
    )) {
      const body = anchored(record, heads);
      const hash = hashOf({ ...record, body, previous });
      database.run(
        'UPDATE events SET body = ?, previous = ?, hash = ? WHERE id = ?',
        ...[body, previous, hash, record.id],
      );
      if (first === '') first = hash;
      previous = hash;
    }
    heads.set(chain, { first, head: previous });
  }
}

function anchored(
  { type, body }: Pick<StoredRecord, 'type' | 'body'>,
  heads: ReadonlyMap<string, { first: string; head: string }>,
): string {
  if (type !== 'run.opened' && type !== 'run.closed') return body;
  const { run, ...rest } = JSON.parse(body) as { run: string; first?: string; head?: string };
  const known = heads.get(run);
  if (known === undefined) return body;
  const [field, value] = type === 'run.opened' ? ['first', known.first] : ['head', known.head];
  return body.replace(String(rest[field as 'first' | 'head']), value as string);
}

/** The tree over the records as they now are, with every tile right; the signed note stays what it was. */
export function regrown(database: Database): Edge {
  const edge = new Edge();
  database.raw.exec('DELETE FROM tiles');
  for (const record of database.all<SealedRecord>(
    'SELECT chain, seq, hash FROM events ORDER BY id',
  ))
    edge.append(recordLeaf(record));
  for (const { level, place, hashes } of edge.takeChanged())
    database.run('INSERT INTO tiles (level, place, hashes) VALUES (?, ?, ?)', level, place, hashes);
  database.run('UPDATE tree SET size = ?', edge.size);
  return edge;
}

/** A note of their own making in the place of the newest checkpoint. */
export function resigned(database: Database, edge: Edge, key: SigningKey, rootOnly = false): void {
  const root = edge.root();
  const note = signCheckpoint({ origin: key.name, size: edge.size, root }, key);
  database.run(
    'UPDATE tree SET signed_size = ?, signed_root = ?',
    edge.size,
    root.toString('base64'),
  );
  if (!rootOnly) database.run('UPDATE tree SET checkpoint = ?', note);
}

export function forgedKey(database: Database): SigningKey {
  const { verifier = '' } = database.one<{ verifier: string }>('SELECT verifier FROM tree') ?? {};
  return signingKey(verifier.slice(0, verifier.indexOf('+')), new Uint8Array(32).fill(66));
}
