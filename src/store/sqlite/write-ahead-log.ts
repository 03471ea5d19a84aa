import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads';
import type { Database } from './database.ts';

/** Pages written and not yet moved into the database before a move begins: 4 MiB, SQLite's own measure. */
const MOVE_AT = 1_000;
/** Pages at which the log is begun anew, 16 MiB: until then the same page is written many times and moved once. */
const ANEW_AT = 4_000;
/** Pages at which the writer moves them itself: the helper has fallen behind. */
const BEHIND_AT = 32_000;
const LOOK_EVERY = 8;

interface Extent {
  readonly log: number;
  readonly checkpointed: number;
}

/**
 * Keeps the write-ahead log short without stopping the writer for it. A commit that also had to move four megabytes
 * into the database would be a hundred times slower than its neighbours, so a thread of its own moves them:
 *   short → moving      more than `MOVE_AT` pages wait: the helper moves what there is (PASSIVE: nobody waits for it)
 *   moving → short      it is done; the few pages written meanwhile are moved here once the log is `ANEW_AT` long, and
 *                       the next commit begins the log anew
 * The log stays true whatever the helper does: a page that is not moved is read from the log.
 */
export class WriteAheadLog {
  readonly #database: Database;
  readonly #file: string;
  #port: MessagePort | null = null;
  #moving = false;
  #commits = 0;

  constructor(database: Database, file: string) {
    this.#database = database;
    this.#file = file;
    database.raw.exec('PRAGMA wal_autocheckpoint = 0');
  }

  /** After every commit. */
  look(): void {
    if (++this.#commits % LOOK_EVERY !== 0) return;
    const { log, checkpointed } = this.#extent('NOOP');
    const waiting = log - checkpointed;
    if (this.#moving && !this.#isMoved() && waiting < BEHIND_AT) return;
    if (waiting >= BEHIND_AT || (log >= ANEW_AT && waiting < MOVE_AT)) this.#extent('PASSIVE');
    else if (waiting >= MOVE_AT) this.#move();
  }

  close(): void {
    this.#port?.close();
  }

  #extent(mode: 'NOOP' | 'PASSIVE'): Extent {
    const extent = this.#database.one<Extent>(`PRAGMA wal_checkpoint(${mode})`);
    return extent ?? { log: 0, checkpointed: 0 };
  }

  #move(): void {
    this.#port ??= startHelper(this.#file);
    this.#moving = true;
    this.#port.postMessage('move');
  }

  /** The writer seldom turns its event loop, so it looks for the answer itself. */
  #isMoved(): boolean {
    const answered = this.#port !== null && receiveMessageOnPort(this.#port) !== undefined;
    if (answered) this.#moving = false;
    return answered;
  }
}

function startHelper(file: string): MessagePort {
  const name = import.meta.url.endsWith('.ts') ? './log-mover.ts' : './log-mover.js';
  const { port1, port2 } = new MessageChannel();
  const helper = new Worker(new URL(name, import.meta.url), {
    workerData: { file, port: port2 },
    transferList: [port2],
    stdin: false,
  });
  // without it the writer moves the pages itself, from `BEHIND_AT` on
  helper.on('error', () => undefined);
  helper.unref();
  port1.unref();
  return port1;
}
