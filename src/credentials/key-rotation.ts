import { access, link, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SignalboxError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import type { RekeyOrder, Rewrapped, Rotated } from '../domain/rekey.ts';
import { Envelopes } from './envelope.ts';
import { keyFault } from './key-files.ts';
import {
  type KeyParts,
  keyAt,
  makeNext,
  masterKeyOf,
  materialOf,
  SEALED_FILE,
  SOURCE_FILE,
  sourceIn,
  type Which,
} from './key-source.ts';
import { KEY_FILE, syncDirectory } from './master-key.ts';
import { DEPLOYMENT, deploymentTag } from './strays.ts';

/*
 * A new master key. Nothing but data keys lies under the master key itself (those of chains and of secrets, the one that
 * signs the ledger): they are wrapped anew, and what they seal stays as it is.
 *
 *   1. the new key lies durably beside the one in use, as `.next`
 *   2. ONE transaction of the store: every data key under the new one, the key check replaced, the note `key.rotated`
 *   3. the one in use becomes `.old`, the new one takes its name
 *
 * Which of them is right says the key check of the store alone. A death before 2 leaves a `.next` that nobody uses and the
 * next attempt takes; after 2, whoever starts next finds that `.next` opens the store, and does 3.
 */

/** A store that nobody uses, held until it is closed. */
export interface StoreAtRest {
  /** Of the key that it is sealed under; null when there is nothing in it. */
  readonly keyCheck: string | null;
  rekey(order: RekeyOrder): Promise<Rewrapped>;
}

export interface KeyPlace extends KeyParts {
  readonly directory: string;
  /** Tells one key from another: what a store keeps of its own. */
  readonly checkOf: (key: Uint8Array) => string;
}

/**
 * The key of a data directory whose store has this key check (asked for only where it matters). A rotation that was cut
 * short after its transaction is finished here. Throws MASTER_KEY.
 */
export async function settledKey(
  at: KeyPlace,
  storeCheck: () => Promise<string | null>,
): Promise<Uint8Array> {
  if (!(await isThere(at, '.next')) && !(await isThere(at, '.old')))
    return masterKeyOf(at.directory, at);
  const found = await fitting(at, await storeCheck());
  if (found === null)
    return (await isThere(at, '.next'))
      ? ((await keyAt(at.directory, '', at)) ?? missing())
      : masterKeyOf(at.directory, at);
  if (found.which === '.next') await promote(at.directory);
  return found.key;
}

/** The key with this check among those that are here, and nothing is changed; null when there is none. */
export async function fitting(
  at: KeyPlace,
  check: string | null,
): Promise<{ readonly key: Uint8Array; readonly which: Which } | null> {
  let fault: unknown = null;
  for (const which of ['.next', '', '.old'] as const) {
    if (!(await isThere(at, which))) continue;
    try {
      const key = await keyAt(at.directory, which, at);
      if (key !== null && at.checkOf(key) === check) return { key, which };
    } catch (error) {
      // where one of them was may be gone by now
      fault ??= error;
    }
  }
  if (fault !== null) throw fault;
  return null;
}

/** `source`: where the new key comes from, as in `key.json`; null for another one from where this one is. */
export async function rotateKey(
  at: KeyPlace,
  store: StoreAtRest,
  source: JsonObject | null,
): Promise<Rotated> {
  const { directory } = at;
  const found = await fitting(at, store.keyCheck);
  if (found === null)
    throw new SignalboxError('MASTER_KEY', 'this master key is not the one of this store');
  if (found.which === '.next') {
    await promote(directory);
    const nothing = { chains: 0, secrets: 0, unreadable: [] };
    return { ...nothing, how: 'finished', kept: await keptIn(directory) };
  }
  if (found.which === '.old') {
    const to = (await keyAt(directory, '', at)) ?? missing();
    const done = await store.rekey(order(at, found.key, to));
    return { ...done, how: 'current', kept: await keptIn(directory) };
  }
  const kept = await keptIn(directory);
  if (kept.length > 0)
    throw new SignalboxError('USAGE', `the key before this one is still kept: \`${kept[0]}\``, {
      help: 'when no backup from before it is needed: `signalbox secret rekey --forget-old`',
    });
  const used = await sourceIn(directory);
  if (source === null && materialOf(used) === null)
    throw new SignalboxError('USAGE', `\`${SOURCE_FILE}\` names a key that is not made here`, {
      help: 'say where the new one is: `--source FILE`, written like `key.json`',
    });
  const to = await makeNext(directory, source ?? used, at);
  if (at.checkOf(to) === store.keyCheck) {
    for (const name of await namedIn(directory, '.next')) await rm(join(directory, name));
    throw new SignalboxError('USAGE', 'the new source gives the key that is in use');
  }
  const done = await store.rekey(order(at, found.key, to));
  await promote(directory);
  return { ...done, how: 'new', kept: await keptIn(directory) };
}

/** Removes the key before the one in use; what was removed. Throws MASTER_KEY when the store still needs it. */
export async function forgetOld(
  at: KeyPlace,
  storeCheck: string | null,
): Promise<readonly string[]> {
  const found = await fitting(at, storeCheck);
  if (found?.which === '.next') await promote(at.directory);
  if (found === null || found.which === '.old')
    throw keyFault(
      'the store is not under the key in use: the one before is needed',
      'bring it under the key in use: `signalbox secret rekey`',
    );
  const kept = await keptIn(at.directory);
  for (const name of kept) await rm(join(at.directory, name));
  await syncDirectory(at.directory);
  return kept;
}

/** The files of the key before the one in use. */
export function keptIn(directory: string): Promise<readonly string[]> {
  return namedIn(directory, '.old');
}

async function namedIn(directory: string, which: Which): Promise<readonly string[]> {
  const names = [KEY_FILE, SEALED_FILE, SOURCE_FILE].map((name) => name + which);
  const there = await Promise.all(names.map((name) => exists(join(directory, name))));
  return names.filter((_, at) => there[at]);
}

/** Gives the new key the name of the one in use, which is kept as `.old`. Each step may be the last: done again, it goes on. */
async function promote(directory: string): Promise<void> {
  for (const step of await stepsOf(directory)) {
    await step();
    await syncDirectory(directory);
  }
}

type Step = () => Promise<void>;

/** Exported for the test that dies between them. */
export async function stepsOf(directory: string): Promise<readonly Step[]> {
  const path = (name: string): string => join(directory, name);
  const [used, next] = [await sourceIn(directory), await sourceIn(directory, '.next')];
  const [from, to] = [materialOf(used), materialOf(next)];
  const steps: Step[] = [];
  const moved = (name: string): Step[] => [
    () => link(path(name), path(`${name}.old`)).catch(unless('EEXIST', 'ENOENT')),
    () => rename(path(`${name}.next`), path(name)).catch(unless('ENOENT')),
  ];
  if (from !== null && from !== to && (await exists(path(from))))
    steps.push(() => rename(path(from), path(`${from}.old`)).catch(unless('ENOENT')));
  if (to !== null && (await exists(path(`${to}.next`)))) steps.push(...moved(to));
  if (next !== null) steps.push(...moved(SOURCE_FILE));
  return steps;
}

async function isThere({ directory }: KeyPlace, which: Which): Promise<boolean> {
  return (await namedIn(directory, which)).length > 0;
}

function order(at: KeyPlace, from: Uint8Array, to: Uint8Array): RekeyOrder {
  const { entropy } = at.doors;
  const [had, has] = [new Envelopes(from, entropy), new Envelopes(to, entropy)];
  const tag = JSON.stringify({ tag: deploymentTag(from) });
  return {
    from,
    to,
    rewrap: (name, sealed) => had.rewrapped(name, sealed, has),
    add: { name: DEPLOYMENT, sealed: has.seal(DEPLOYMENT, tag) },
  };
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function unless(...codes: readonly string[]): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error;
  };
}

function missing(): never {
  throw keyFault('the one in use is not there');
}
