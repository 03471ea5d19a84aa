import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';

/**
 * Rounds make every guess at a human's password dear. Minted ones are 256 random bits, which nobody guesses: rounds would
 * only make each login of ours dear (docs/decisions/2026-11-30-one-round-for-minted-logins.md).
 */
const ITERATIONS = 1;
const KEY_BYTES = 32;

/**
 * What PostgreSQL stores for a password (RFC 5803): sent instead of it, so that the password itself is in no
 * statement, no log and no `pg_stat_activity`. For random passwords only.
 */
export async function scramVerifier(
  password: string,
  salt: Uint8Array,
  iterations = ITERATIONS,
): Promise<string> {
  const salted = await promisify(pbkdf2)(password, salt, iterations, KEY_BYTES, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64');
  const server = hmac('Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${stored}:${server}`;
}
