import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Database, openReader, openWriter } from './database.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

/** About a page for each row. */
const ROW = 'x'.repeat(3_500);
const MANY = 40_000;

describe('the write-ahead log', () => {
  let directory: string;
  let file: string;
  let writer: Database;
  let log: WriteAheadLog;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'signalbox-log-'));
    file = join(directory, 'store.db');
    writer = openWriter(file);
    writer.raw.exec('CREATE TABLE rows (words TEXT) STRICT; PRAGMA synchronous = NORMAL');
    log = new WriteAheadLog(writer, file);
  });
  after(() => {
    log.close();
    writer.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const extent = (): { log: number; checkpointed: number } =>
    writer.one('PRAGMA wal_checkpoint(NOOP)') ?? { log: 0, checkpointed: 0 };
  /** Commits rows until `enough`; how many it took. */
  const writeUntil = async (enough: () => boolean): Promise<number> => {
    for (let written = 0; written < MANY; written++) {
      writer.run('INSERT INTO rows (words) VALUES (?)', ROW);
      log.look();
      if (enough()) return written;
      // a turn of the event loop now and then, as between two messages
      if (written % 64 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    throw new Error(`after ${MANY} rows: ${JSON.stringify(extent())}`);
  };

  test('pages are moved by another thread while this one goes on writing', async () => {
    await writeUntil(() => extent().checkpointed > 0);
  });

  test('a long log is begun anew', async () => {
    let longest = 0;
    await writeUntil(() => {
      const { log: pages } = extent();
      const isAnew = pages < longest / 2;
      longest = Math.max(longest, pages);
      return isAnew;
    });
  });

  test('a reader that holds on to an old state stops nothing, and nothing is lost', async () => {
    const reader = openReader(file);
    reader.raw.exec('BEGIN');
    const seen = reader.one<{ n: number }>('SELECT count(*) AS n FROM rows')?.n ?? 0;
    let written = 0;
    await writeUntil(() => ++written === 1_500);
    assert.equal(reader.one<{ n: number }>('SELECT count(*) AS n FROM rows')?.n, seen);
    reader.raw.exec('COMMIT');
    const rows = reader.one<{ n: number }>('SELECT count(*) AS n FROM rows')?.n ?? 0;
    assert.equal(rows, seen + 1_500);
    const found = writer.one<{ integrity_check: string }>('PRAGMA integrity_check');
    assert.equal(found?.integrity_check, 'ok');
    reader.close();
  });
});
