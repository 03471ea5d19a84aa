import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';

const ITERATIONS = 4_096;
const KEY_BYTES = 32;

/**
 * What PostgreSQL stores for a password (RFC 5803): sent instead of it, so that the password itself is in no
 * statement, no log and no `pg_stat_activity`.
 */
export async function scramVerifier(password: string, salt: Uint8Array): Promise<string> {
  const salted = await promisify(pbkdf2)(password, salt, ITERATIONS, KEY_BYTES, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64');
  const server = hmac('Server Key').toString('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${Buffer.from(salt).toString('base64')}$${stored}:${server}`;
}
