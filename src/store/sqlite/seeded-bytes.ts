import { createCipheriv } from 'node:crypto';
import type { Bytes } from '../../ledger/seal.ts';

/** Drawn from the stream at once: a call of the cipher for every salt would cost more than the salt. */
const POOL = 8_192;

/**
 * Bytes as good as their seed (32 bytes from the doors): the key stream of AES-256 in counter mode. A worker has no
 * doors, so its keys, nonces and salts come from a seed it is given at start and that nobody else keeps.
 */
export function seededBytes(seed: Uint8Array): Bytes {
  if (seed.length !== 32) throw new RangeError(`a seed of ${seed.length} bytes, expected 32`);
  const stream = createCipheriv('aes-256-ctr', seed, new Uint8Array(16));
  const zeros = new Uint8Array(POOL);
  let pool = new Uint8Array(0);
  let used = 0;
  return (length) => {
    if (length > POOL) return stream.update(new Uint8Array(length));
    if (used + length > pool.length) {
      pool = stream.update(zeros);
      used = 0;
    }
    used += length;
    // A copy: what is handed out is nobody else's memory.
    return pool.slice(used - length, used);
  };
}
