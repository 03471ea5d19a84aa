import { appendFile, open } from 'node:fs/promises';
import type { Clock } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { isJsonObject } from '../domain/json.ts';
import type { Store } from '../domain/store.ts';
import { openCheckpoint, readCheckpoint } from '../ledger/checkpoint.ts';
import { consistencyProblems } from '../ledger/proof.ts';
import { proveConsistency } from '../ledger/prove.ts';
import { readVerifier } from '../ledger/signed-note.ts';

const LOGGED_EVERY_MS = 60_000;
/** A line of the file is a note and its time. */
const LONGEST_LINE = 4_096;

export interface Publisher {
  /** One line in the file, and one a minute in the log: what ships either ships the checkpoints. */
  publish(checkpoint: { readonly note: string; readonly at: number }): void;
  /** Resolves when the file has what was published. */
  close(): Promise<void>;
}

/**
 * Where signed checkpoints go. A file that is there already must be the beginning of this ledger: throws SignalboxError
 * `LEDGER_BROKEN` when its last checkpoint is of records that are no longer there or no longer the same, `FILE_UNSAFE`
 * when it cannot be read or written.
 */
export async function openPublisher(options: {
  readonly file: string | null;
  readonly store: Pick<Store, 'seal' | 'tiles'>;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}): Promise<Publisher> {
  const { file, store, clock, log } = options;
  if (file !== null) await requireContinued(file, store);
  let written: Promise<void> = Promise.resolve();
  let isFailing = false;
  let logged = Number.NEGATIVE_INFINITY;
  const append = async (line: string): Promise<void> => {
    try {
      await appendFile(file as string, line, { mode: 0o600 });
      isFailing = false;
    } catch (error) {
      if (!isFailing) log(`checkpoints: \`${file}\` cannot be written (${codeOf(error)})`);
      isFailing = true;
    }
  };
  return {
    publish({ note, at }) {
      const line = JSON.stringify({ at, note });
      if (file !== null) written = written.then(() => append(`${line}\n`));
      if (clock.monotonic() - logged < LOGGED_EVERY_MS) return;
      logged = clock.monotonic();
      log(`checkpoint ${line}`);
    },
    close: () => written,
  };
}

async function requireContinued(file: string, store: Pick<Store, 'seal' | 'tiles'>): Promise<void> {
  const note = await lastNote(file);
  if (note === null) return;
  const problems = await store.seal().then(async (seal) => {
    if (seal?.checkpoint == null) return ['nothing is sealed here'];
    const key = readVerifier(seal.verifier);
    const [first, second] = [openCheckpoint(note, key), readCheckpoint(seal.checkpoint.note)];
    if (second.size < first.size)
      return [`it is of ${first.size} records, here are ${second.size}`];
    return consistencyProblems(await proveConsistency(store, first.size), first, second);
  });
  if (problems.length > 0) throw notContinued(file, problems.join('; '));
}

async function lastNote(file: string): Promise<string | null> {
  const text = await tailOf(file);
  const line = text.trimEnd().split('\n').at(-1) ?? '';
  if (line === '') return null;
  try {
    const value: unknown = JSON.parse(line);
    if (isJsonObject(value) && typeof value.note === 'string') return value.note;
  } catch {
    // Told below.
  }
  throw notContinued(file, 'its last line is no checkpoint');
}

async function tailOf(file: string): Promise<string> {
  try {
    const handle = await open(file, 'a+', 0o600);
    try {
      const { size } = await handle.stat();
      const length = Math.min(size, LONGEST_LINE);
      const { buffer, bytesRead } = await handle.read(
        Buffer.alloc(length),
        0,
        length,
        size - length,
      );
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new SignalboxError('FILE_UNSAFE', `\`${file}\` cannot be opened (${codeOf(error)})`, {
      help: 'name a file that this user can append to with `--checkpoints`',
    });
  }
}

function notContinued(file: string, why: string): SignalboxError {
  return new SignalboxError(
    'LEDGER_BROKEN',
    `the last checkpoint of \`${file}\` is not of this ledger as it is: ${why}`,
    {
      help: 'a backup was put back, or records were cut off: see docs/reference/ledger.md; another file begins anew',
    },
  );
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code ?? 'fault');
}
