import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Entropy } from '../../domain/doors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';

/** Seals what travels through a client, so that it can be neither read nor changed there. */
export interface Seal {
  seal(value: object): string;
  /** Null for anything that was not sealed here for this purpose. Binding and expiry are for the caller to compare. */
  open(sealed: string): JsonObject | null;
}

const NONCE = 12;
const TAG = 16;

/**
 * `key`: 32 bytes, shared by all replicas. `purpose` keeps a value sealed for one use from being taken for another.
 * The sealed text is base64url; longer than `maxLength` it is not even looked at.
 */
export function createSeal(
  key: Uint8Array,
  purpose: string,
  maxLength: number,
  entropy: Entropy,
): Seal {
  const context = Buffer.from(purpose);
  return {
    seal(value) {
      const nonce = entropy.bytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(context);
      const text = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url');
    },

    open(sealed) {
      if (sealed.length > maxLength) return null;
      const bytes = Buffer.from(sealed, 'base64url');
      // Only the one spelling we made: base64 would let a changed text through unchanged.
      if (bytes.length <= NONCE + TAG || bytes.toString('base64url') !== sealed) return null;
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), {
          authTagLength: TAG,
        }).setAAD(context);
        decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
        const text = Buffer.concat([
          decipher.update(bytes.subarray(NONCE + TAG)),
          decipher.final(),
        ]);
        const value: unknown = JSON.parse(text.toString());
        return isJsonObject(value) ? value : null;
      } catch {
        return null;
      }
    },
  };
}
