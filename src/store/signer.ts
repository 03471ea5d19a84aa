import type { Clock } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { LedgerSeal } from '../domain/ops.ts';
import type { Store } from '../domain/store.ts';
import { originOf, signDocument } from '../ledger/checkpoint.ts';
import { type Bytes, unwrapSigner, wrappingKey, wrapSigner } from '../ledger/seal.ts';
import { type SigningKey, signingKey } from '../ledger/signed-note.ts';
import { TILE } from '../ledger/tiles.ts';
import { fault } from './ground.ts';

type Wrapping = Parameters<typeof wrapSigner>[0];

const SECRET_BYTES = 32;
/** So that one op never holds up a commit for more than a few milliseconds. */
const MOST = 1_024;

/** What a store needs to seal: made once for each process. */
export class Seals {
  readonly wrapping: Wrapping;
  readonly bytes: Bytes;
  #key: SigningKey | null = null;

  constructor(wrapping: Wrapping, bytes: Bytes) {
    this.wrapping = wrapping;
    this.bytes = bytes;
  }

  /** The one that is remembered may be of a first seal that was taken back. */
  keyOf(stored: StoredSigner): SigningKey {
    if (this.#key?.verifier !== stored.verifier) this.#key = openSigner(stored, this.wrapping);
    return this.#key;
  }
}

/** The key of a ledger as it lies in the store: only who has the master key can sign with it. */
interface StoredSigner {
  readonly verifier: string;
  readonly signer: Uint8Array;
}

export function newSigner(ledger: string, { wrapping, bytes }: Seals): StoredSigner {
  const secret = bytes(SECRET_BYTES);
  const { name, verifier } = signingKey(originOf(ledger), secret);
  return { verifier, signer: wrapSigner(wrapping, name, secret, bytes) };
}

/** Throws SignalboxError `LEDGER_BROKEN` when the secret was changed or is of another key. */
function openSigner({ verifier, signer }: StoredSigner, wrapping: Wrapping): SigningKey {
  const name = verifier.slice(0, verifier.indexOf('+'));
  try {
    const key = signingKey(name, unwrapSigner(wrapping, name, signer));
    if (key.verifier === verifier) return key;
  } catch (cause) {
    throw new SignalboxError('LEDGER_BROKEN', 'the key of the ledger cannot be opened', { cause });
  }
  throw new SignalboxError('LEDGER_BROKEN', 'the secret of the ledger is not of its public key');
}

/**
 * Signs documents of one context (`drill-report`) with the key of the ledger, which is made when there is none; who has
 * the public key checks them with `verifyDocument`. What it returns is a signed note. Throws what the store throws.
 */
export function documentSigner(parts: {
  readonly store: Pick<Store, 'seal' | 'commit'>;
  readonly masterKey: Uint8Array;
  readonly clock: Clock;
}): (context: string, bytes: Uint8Array) => Promise<string> {
  const { store, clock } = parts;
  const wrapping = wrappingKey(parts.masterKey);
  return async (context, bytes) => {
    if ((await store.seal()) === null)
      await store.commit({ kind: 'ledger.seal', most: 1, sign: false, at: clock.now() });
    const stored = await store.seal();
    if (stored === null) throw new SignalboxError('NOT_SEALED', 'the ledger has no key yet');
    return signDocument(openSigner(stored, wrapping), context, bytes);
  };
}

export function requireMost({ most }: LedgerSeal): void {
  if (!Number.isSafeInteger(most) || most < 1 || most > MOST)
    throw fault(`\`most\` is \`${most}\`, expected 1 to ${MOST}`);
}

/** How many to seal now: when some are left anyway, only up to the end of a tile, so that each is written once. */
export function amountFor(most: number, size: number, waiting: number): number {
  const toTile = TILE - (size % TILE);
  if (waiting <= most || toTile > most) return Math.min(most, waiting);
  return toTile + TILE * Math.floor((most - toTile) / TILE);
}

export function missingRecord(place: number): SignalboxError {
  return new SignalboxError('LEDGER_BROKEN', `record ${place} of the ledger is missing`);
}
