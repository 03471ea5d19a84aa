import { type MessagePort, workerData } from 'node:worker_threads';
import { openMover } from './database.ts';

/** The thread that moves pages of the write-ahead log into the database. A failure is the writer's to notice. */
const { file, port } = workerData as { readonly file: string; readonly port: MessagePort };
const database = openMover(file);

port.on('message', () => {
  try {
    database.one('PRAGMA wal_checkpoint(PASSIVE)');
  } finally {
    port.postMessage('moved');
  }
});
port.on('close', () => database.close());
