import type { Doors } from '../../domain/doors.ts';
import type { PostgresAddress } from './address.ts';
import type { Committing } from './batch.ts';
import { Session, stateOf } from './session.ts';

/** How long a batch whose COMMIT was not answered waits to learn what became of it. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 50;
const TRIES = 100;

const PROOF = {
  name: 'proof',
  text: 'SELECT hash FROM events WHERE chain = $1 AND seq = $2',
};
const STATUS = { name: 'fate', text: 'SELECT pg_xact_status($1::xid8) AS status' };
/** The server may not have noticed yet that we are gone, and hold our locks. */
const END = {
  name: 'end-own',
  text: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = $1 AND backend_xid::text = ($2::numeric % 4294967296)::text AND usesysid =
      (SELECT oid FROM pg_roles WHERE rolname = current_user)`,
};

export type Fate = 'committed' | 'aborted' | 'unknown';

/**
 * What became of a transaction whose COMMIT was sent and not answered. While it is still running on the server, its
 * session is ended there. Once it is not, a record of it says whether it stands: that holds even on a server that took
 * over from the one it was sent to, where the number of a transaction means nothing.
 */
export async function fateOf(
  { pid, xid, proof }: Committing,
  { address, doors }: { readonly address: PostgresAddress; readonly doors: Doors },
): Promise<Fate> {
  const until = doors.clock.monotonic() + PATIENCE_MS;
  do {
    let session: Session | null = null;
    try {
      session = await Session.open(address, { use: 'fate of a commit' });
      for (let tries = 0; await isRunning(session, xid); tries++) {
        if (tries === TRIES) return 'unknown';
        await session.rows(END, [pid, xid]);
        await pause(doors, PAUSE_MS);
      }
      if (proof === null) return 'aborted';
      const [found] = await session.rows<{ hash: string }>(PROOF, [proof.chain, proof.seq]);
      return found?.hash === proof.hash ? 'committed' : 'aborted';
    } catch {
      // Not to be reached yet.
    } finally {
      await session?.end();
    }
    await pause(doors, PAUSE_MS);
  } while (doors.clock.monotonic() < until);
  return 'unknown';
}

async function isRunning(session: Session, xid: string): Promise<boolean> {
  try {
    const [found] = await session.rows<{ status: string | null }>(STATUS, [xid]);
    return found?.status === 'in progress';
  } catch (error) {
    // A number this server has not given out yet.
    if (stateOf(error) === '22023') return false;
    throw error;
  }
}

function pause(doors: Doors, ms: number): Promise<void> {
  return new Promise((resolve) => {
    doors.timers.after(ms, resolve);
  });
}
