import { keyFault, textOf } from '../credentials/key-files.ts';
import { fitting, forgetOld, type KeyPlace, rotateKey } from '../credentials/key-rotation.ts';
import { hasMasterKey, masterKeyOf, sourceFrom } from '../credentials/key-source.ts';
import type { Doors } from '../domain/doors.ts';
import type { Rotated } from '../domain/rekey.ts';
import { outputOf, readText } from '../doors.ts';
import { keyCheck } from '../ledger/seal.ts';
import { keyCheckAt, storeAtRest, type Whereabouts } from '../store/open.ts';

/** `credentials`: where systemd puts the credentials of a service; null outside of one. */
export function keyPlace(
  directory: string,
  doors: Doors,
  credentials: string | null = null,
): KeyPlace {
  return { directory, doors, credentials, outputOf, readText, checkOf: keyCheck };
}

/** The key here of what has this check, and nothing is changed. Null: there is no key here at all. */
export async function keyFor(
  at: KeyPlace,
  check: () => Promise<string | null>,
): Promise<Uint8Array | null> {
  const found = await fitting(at, await check());
  if (found !== null) return found.key;
  return (await hasMasterKey(at.directory)) ? masterKeyOf(at.directory, at) : null;
}

/** Puts a store that nobody uses under a new master key. `source`: a file written like `key.json`. */
export async function rekeyStore(
  at: Whereabouts,
  place: KeyPlace,
  source: string | null,
): Promise<Rotated> {
  const { clock, entropy } = place.doors;
  const text = source === null ? null : await textOf(source, 0o022);
  if (source !== null && text === null) throw keyFault(`\`${source}\` is not there`);
  const store = await storeAtRest(at, { bytes: entropy.bytes, at: clock.now() });
  try {
    return await rotateKey(place, store, text === null ? null : sourceFrom(text, source ?? ''));
  } finally {
    await store.close();
  }
}

/** What was removed of the key before the one in use. */
export async function forgetOldKey(at: Whereabouts, place: KeyPlace): Promise<readonly string[]> {
  return forgetOld(place, await keyCheckAt(at));
}
