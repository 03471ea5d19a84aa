import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Op } from '../../domain/ops.ts';
import { openSqliteCore, type SqliteCore } from './core.ts';
import { seededBytes } from './seeded-bytes.ts';
import { answerFrom, type FromWorker, faultFrom, type ToWorker, type WorkerStart } from './wire.ts';

/** The writing thread: everything that is waiting when the last commit ends goes into the next one. */
const BATCH = 512;

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
const waiting: string[] = [];
let closing = false;

function take(message: ToWorker): void {
  if (message === 'close') closing = true;
  else waiting.push(...message.ops);
}

function takeAll(): void {
  while (port !== null) {
    const next = receiveMessageOnPort(port) as { message: ToWorker } | undefined;
    if (next === undefined) return;
    take(next.message);
  }
}

function work(writer: SqliteCore): void {
  for (takeAll(); waiting.length > 0; takeAll()) {
    const ops = waiting.splice(0, BATCH).map((text) => JSON.parse(text) as Op);
    tell({ kind: 'applied', answers: writer.apply(ops).map(answerFrom) });
  }
}

if (core === null) port.close();
else
  port.on('message', (message: ToWorker) => {
    try {
      take(message);
      work(core);
      if (!closing) return;
      core.close();
      tell({ kind: 'closed' });
    } catch (error) {
      tell({ kind: 'down', fault: faultFrom(error) });
    }
    port.close();
  });
