import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Entropy } from '../../domain/doors.ts';
import { isJsonObject } from '../../domain/json.ts';

/** What a parked call carries to its own retry. All of it is compared there: the client is not to be trusted with it. */
export interface RequestState {
  readonly runId: string;
  readonly tool: string;
  readonly argumentsDigest: string;
  readonly approvalId: string;
  readonly actionId: string;
  readonly previewed: boolean;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** How often the client was sent away with it already. */
  readonly rounds: number;
}

/** Seals what travels through the client as `requestState`, so that it can be neither read nor changed there. */
export interface StateSeal {
  seal(state: RequestState): string;
  /** Null for anything that was not sealed here. Binding and expiry are for the caller to compare. */
  open(sealed: string): RequestState | null;
}

const CONTEXT = Buffer.from('signalbox/mcp/request-state/1');
const NONCE = 12;
const TAG = 16;
const MAX_LENGTH = 2_048;

/** `key`: 32 bytes, shared by all replicas. */
export function createStateSeal(key: Uint8Array, entropy: Entropy): StateSeal {
  return {
    seal(state) {
      const nonce = entropy.bytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(CONTEXT);
      const text = Buffer.concat([cipher.update(JSON.stringify(state)), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url');
    },

    open(sealed) {
      if (sealed.length > MAX_LENGTH) return null;
      const bytes = Buffer.from(sealed, 'base64url');
      // Only the one spelling we made: base64 would let a changed text through unchanged.
      if (bytes.length <= NONCE + TAG || bytes.toString('base64url') !== sealed) return null;
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), {
          authTagLength: TAG,
        }).setAAD(CONTEXT);
        decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
        const text = Buffer.concat([
          decipher.update(bytes.subarray(NONCE + TAG)),
          decipher.final(),
        ]);
        const state: unknown = JSON.parse(text.toString());
        return isJsonObject(state) ? (state as unknown as RequestState) : null;
      } catch {
        return null;
      }
    },
  };
}
