import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { isReadText } from '../prepared-read.ts';
import { answersFrom, faultFrom, opsFrom } from '../wire.ts';
import { openSqliteCore, type SqliteCore } from './core.ts';
import { seededBytes } from './seeded-bytes.ts';
import type { FromWorker, ToWorker, WorkerStart } from './threads.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

/** The writing thread: everything that is waiting when the last commit ends goes into the next one, so many texts at most. */
const BATCH = 1_024;
/**
 * A commit costs the same whether it carries one op or forty. Where the last one carried several, more are on their way:
 * they are given a moment to come, unless many wait already. A caller that is alone never waits.
 */
const COMPANY = 4;
const ENOUGH = 12;
const MOMENTS = 2;
const MOMENT_MS = 0.5;

const port = parentPort;
if (port === null) throw new Error('this file runs in a worker of the store');
const start = workerData as WorkerStart;

function tell(message: FromWorker): void {
  port?.postMessage(message);
}

function open(): SqliteCore | null {
  try {
    const { file, masterKey, seed, at, maxBytes } = start;
    const core = openSqliteCore({
      file,
      masterKey,
      bytes: seededBytes(seed),
      at,
      ...(maxBytes === null ? {} : { maxBytes }),
    });
    tell({ kind: 'ready' });
    return core;
  } catch (error) {
    tell({ kind: 'down', fault: faultFrom(error) });
    return null;
  }
}

const core = open();
const log = core === null ? null : new WriteAheadLog(core.database, start.file);
const asleep = new Int32Array(new SharedArrayBuffer(4));
const waiting: string[] = [];
let closing = false;
/** How many ops the last commit carried. */
let company = 0;

function take(message: ToWorker): void {
  if (message === 'close') closing = true;
  else for (const text of message) waiting.push(text);
}

function takeAll(): void {
  while (port !== null) {
    const next = receiveMessageOnPort(port) as { message: ToWorker } | undefined;
    if (next === undefined) return;
    take(next.message);
  }
}

/** Takes whole ops out of what waits: a read is not parted from its payload. */
function batchOf(texts: string[]): readonly string[] {
  const last = texts[BATCH - 1];
  return texts.splice(0, last !== undefined && isReadText(last) ? BATCH + 1 : BATCH);
}

function waitForMore(): void {
  for (let moment = 0; moment < MOMENTS && waiting.length < ENOUGH; moment++) {
    Atomics.wait(asleep, 0, 0, MOMENT_MS);
    takeAll();
  }
}

function work(writer: SqliteCore): void {
  for (takeAll(); waiting.length > 0; takeAll()) {
    if (company >= COMPANY) waitForMore();
    const applied = writer.apply(opsFrom(batchOf(waiting)));
    company = applied.length;
    tell({ kind: 'applied', ...answersFrom(applied, writer.takeDrawn()) });
    log?.look();
  }
}

if (core === null) port.close();
else
  port.on('message', (message: ToWorker) => {
    try {
      take(message);
      work(core);
      if (!closing) return;
      log?.close();
      core.close();
      tell({ kind: 'closed' });
    } catch (error) {
      tell({ kind: 'down', fault: faultFrom(error) });
    }
    port.close();
  });
