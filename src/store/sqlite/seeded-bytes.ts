import { createCipheriv } from 'node:crypto';
import type { Bytes } from '../../ledger/seal.ts';

/**
 * Bytes as good as their seed (32 bytes from the doors): the key stream of AES-256 in counter mode. A worker has no
 * doors, so its keys, nonces and salts come from a seed it is given at start and that nobody else keeps.
 */
export function seededBytes(seed: Uint8Array): Bytes {
  if (seed.length !== 32) throw new RangeError(`a seed of ${seed.length} bytes, expected 32`);
  const stream = createCipheriv('aes-256-ctr', seed, new Uint8Array(16));
  return (length) => stream.update(new Uint8Array(length));
}
