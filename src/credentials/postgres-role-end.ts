import pg from 'pg';
import type { Timers } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';

/*
 * How minted roles end at their server. What is to end together ends in a few statements, whatever their number; when one
 * of it is in the way (gone already, changed by somebody else), each ends by itself.
 */

const TERMINATE_TRIES = 60;
const SOON = 10;
/** At first and at most: a session mostly ends within a few milliseconds. */
const TERMINATE_PAUSE_MS = [3, 20] as const;

export interface Ending {
  readonly timers: Timers;
  /** Called when none of them can log in any more and their sessions were told to end. */
  readonly barred: () => void;
}

/** NOLOGIN, sessions ended, dropped. In the order of `roles`: why one did not end, else null. Throws when the session broke. */
export async function endRoles(
  client: pg.ClientBase,
  roles: readonly string[],
  ending: Ending,
): Promise<(Error | null)[]> {
  const { timers } = ending;
  try {
    await endTogether(client, roles, ending);
    return roles.map(() => null);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    await client.query('ROLLBACK');
  }
  const ended: (Error | null)[] = [];
  for (const role of roles)
    ended.push(
      await endOne(client, role, timers).then(
        () => null,
        (error: Error) => error,
      ),
    );
  return ended;
}

async function endTogether(
  client: pg.ClientBase,
  roles: readonly string[],
  { barred }: Ending,
): Promise<void> {
  const named = roles.map((role) => pg.escapeLiteral(role)).join(', ');
  // seen by every other session before the first of theirs is looked for; made durable by the drop, or by asking again
  await client.query(
    `BEGIN; SET LOCAL synchronous_commit = off; ${roles.map((role) => `ALTER ROLE ${quote(role)} NOLOGIN`).join('; ')}; COMMIT;
     SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN (${named})`,
  );
  barred();
  try {
    await client.query(`${emptied(named)}; DROP ROLE ${roles.map(quote).join(', ')}`);
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === STAYS) throw stays(roles);
    throw error;
  }
}

/** What a session that stays is told by; no class of the server's own. */
const STAYS = 'SBX01';

/**
 * Looks until there is no session of theirs, ends what it finds, and fails when some are left: at the server, where a
 * look costs no way there and back. One that was just logging in is seen by the next.
 */
function emptied(named: string): string {
  const [soon, later] = TERMINATE_PAUSE_MS.map((ms) => ms / 1_000);
  return `DO $looks$ BEGIN
      FOR look IN 1..${TERMINATE_TRIES} LOOP
        PERFORM pg_stat_clear_snapshot();
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN (${named});
        IF NOT FOUND THEN RETURN; END IF;
        PERFORM pg_sleep(CASE WHEN look < ${SOON} THEN ${soon} ELSE ${later} END);
      END LOOP;
      RAISE EXCEPTION 'sessions stay' USING ERRCODE = '${STAYS}';
    END $looks$`;
}

async function endOne(client: pg.ClientBase, role: string, timers: Timers): Promise<void> {
  await bar(client, role);
  await terminate(client, [role], timers);
  await drop(client, role);
}

async function bar(client: pg.ClientBase, role: string): Promise<void> {
  try {
    await client.query(`ALTER ROLE ${quote(role)} NOLOGIN`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Throws when sessions are left after all tries; a session that was just logging in is seen by the next one. */
async function terminate(
  client: pg.ClientBase,
  roles: readonly string[],
  timers: Timers,
): Promise<void> {
  for (let attempt = 0; attempt < TERMINATE_TRIES; attempt++) {
    const { rows } = await client.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY ($1)',
      [roles],
    );
    if (rows.length === 0) return;
    const pause = Promise.withResolvers<void>();
    timers.after(attempt < SOON ? TERMINATE_PAUSE_MS[0] : TERMINATE_PAUSE_MS[1], pause.resolve);
    await pause.promise;
  }
  throw stays(roles);
}

function stays(roles: readonly string[]): SignalboxError {
  const named = roles.map((role) => `\`${role}\``).join(', ');
  return new SignalboxError('CREDENTIAL_FAILED', `sessions of ${named} do not end`);
}

/** False: it is kept. Tidiness, not safety: a NOLOGIN role without sessions is as dead, and may be kept by what it owns elsewhere. */
async function drop(client: pg.ClientBase, role: string): Promise<boolean> {
  try {
    await client.query(`DROP ROLE ${quote(role)}`);
  } catch (error) {
    if (isMissing(error)) return true;
    if (!(error instanceof pg.DatabaseError) || error.code !== '2BP01') throw error;
    try {
      await client.query(`DROP OWNED BY ${quote(role)} CASCADE; DROP ROLE ${quote(role)}`);
    } catch (kept) {
      if (!(kept instanceof pg.DatabaseError)) throw kept;
      return false;
    }
  }
  return true;
}

/** Those that can log in, have a session, or hold a prepared transaction that outlives both. */
export async function aliveAmong(
  client: pg.ClientBase,
  roles: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ role: string }>(
    `SELECT role FROM unnest($1::text[]) AS asked (role)
     WHERE role IN (SELECT rolname FROM pg_roles WHERE rolcanlogin
       UNION ALL SELECT usename FROM pg_stat_activity WHERE usename IS NOT NULL
       UNION ALL SELECT owner FROM pg_prepared_xacts)`,
    [roles],
  );
  return new Set(rows.map(({ role }) => role));
}

/** There is no such role. */
export function isMissing(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '42704';
}

const quote = pg.escapeIdentifier;
