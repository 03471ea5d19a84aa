import pg from 'pg';
import { SignalboxError } from '../domain/errors.ts';

/*
 * How minted roles end at their server. What is to end together ends in a few statements, whatever their number; when one
 * of it is in the way (gone already, changed by somebody else), each ends by itself.
 *
 * A login is half in from when the server has taken it until its session can be seen, which is as long as who logs in
 * wants (`post_auth_delay`). Dropped meanwhile, its role would have a session that nobody can find any more. So what was
 * half in when they were barred is waited for, and told to end where that may be: by that it is known for theirs.
 *
 * Before PostgreSQL 16 a login can be taken on by a session of somebody else (SET ROLE), in 14 by whomever it makes its member,
 * and nothing shows that. Such a session is not ended: what the login holds itself is taken from it, which ends it there too.
 * In 14 a login can also put the broker out of its members, who may always come back.
 */

const TOGETHER_TRIES = 3;
/** Two changed one role at once. */
const PASSING = new Set(['XX000', '40001', '40P01']);
const TERMINATE_TRIES = 60;
const SOON = 10;
/** After so many looks, 0.4 s, whoever is half in is not just slow: our own and others' logins are by then. */
const LONG = 30;
/** At first and at most: a session mostly ends within a few milliseconds. */
const TERMINATE_PAUSE_MS = [3, 20] as const;

interface Ending {
  /** Statements that take from them what they hold themselves; null for a server since 16, where they hold nothing. */
  readonly takeBack: ((roles: readonly string[]) => string) | null;
  /** Called when none of them can log in any more and their sessions were told to end. */
  readonly barred: () => void;
}

/** NOLOGIN, sessions ended, dropped. In the order of `roles`: why one did not end, else null. Throws when the session broke. */
export async function endRoles(
  client: pg.ClientBase,
  roles: readonly string[],
  ending: Ending,
): Promise<(Error | null)[]> {
  let there = roles;
  for (let tries = 1; tries <= TOGETHER_TRIES && there.length > 0; tries++) {
    try {
      await endTogether(client, there, ending);
      return roles.map(() => null);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      await client.query('ROLLBACK');
      if (!isMissing(error) && !PASSING.has(error.code ?? '')) break;
      // somebody else ends one of them at this moment: what is over is in nobody's way any more
      there = await existing(client, there);
    }
  }
  return endEach(client, roles, ending);
}

/** All are barred before the first is waited for: who stands at the door is told, and is in nobody's way. */
async function endEach(
  client: pg.ClientBase,
  roles: readonly string[],
  ending: Ending,
): Promise<(Error | null)[]> {
  const why = async (work: () => Promise<unknown>): Promise<Error | null> => {
    try {
      await work();
      return null;
    } catch (error) {
      return error as Error;
    }
  };
  const ended: (Error | null)[] = [];
  for (const role of roles) ended.push(await why(() => bar(client, role)));
  ending.barred();
  for (const [place, role] of roles.entries())
    ended[place] ??= await why(async () => {
      await empty(client, [role], ending, '');
      await drop(client, role, ending);
    });
  return ended;
}

async function existing(
  client: pg.ClientBase,
  roles: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await client.query<{ rolname: string }>(
    'SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)',
    [roles],
  );
  return rows.map(({ rolname }) => rolname);
}

async function endTogether(
  client: pg.ClientBase,
  roles: readonly string[],
  ending: Ending,
): Promise<void> {
  // seen by every other session before the first of theirs is looked for; made durable by the drop, or by asking again
  await client.query(
    `BEGIN; SET LOCAL synchronous_commit = off; ${roles.map((role) => `ALTER ROLE ${quote(role)} NOLOGIN`).join('; ')}; COMMIT;
     SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN (${namesOf(roles)})`,
  );
  ending.barred();
  const taken = ending.takeBack === null ? '' : `; ${ending.takeBack(roles)}`;
  await empty(client, roles, ending, `${taken}; DROP ROLE ${roles.map(quote).join(', ')}`);
}

/** What a session that stays is told by; no class of the server's own. */
const STAYS = 'SBX01';

/** Ends the sessions of barred roles, then does what comes `then`. Throws when sessions stay. */
async function empty(
  client: pg.ClientBase,
  roles: readonly string[],
  { takeBack }: Ending,
  then: string,
): Promise<void> {
  const join = `GRANT ${roles.map(quote).join(', ')} TO CURRENT_USER`;
  const first =
    takeBack === null ? '' : `BEGIN ${join}; EXCEPTION WHEN undefined_object THEN NULL; END;`;
  const sql = emptied({ whose: `usename IN (${namesOf(roles)})`, isTold: true, first, join });
  await looked(client, `${sql}${then}`, roles);
}

/**
 * The same for a login that somebody else barred and dropped: its sessions have no name any more, only a number that no
 * role has. Without `pg_signal_backend` nobody can be told from it who is half in: then nobody may stay so.
 */
export async function endDropped(client: pg.ClientBase, role: string): Promise<void> {
  const { rows } = await client.query<{ may: boolean }>(
    `SELECT pg_has_role('pg_signal_backend', 'USAGE') AS may`,
  );
  const whose = `usename = ${namesOf([role])} OR (usename IS NULL AND usesysid IS NOT NULL)`;
  const isTold = rows[0]?.may === true;
  await looked(client, emptied({ whose, isTold, first: '', join: 'RAISE' }), [role]);
}

async function looked(client: pg.ClientBase, sql: string, roles: readonly string[]): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== STAYS) throw error;
    const shown = roles.map((role) => `\`${role}\``).join(', ');
    throw new SignalboxError('CREDENTIAL_FAILED', `sessions of ${shown} do not end`);
  }
}

/** `first`, and `join` when one may not be ended: what makes us members of theirs, in SQL. */
interface Emptied {
  readonly whose: string;
  readonly isTold: boolean;
  readonly first: string;
  readonly join: string;
}

/**
 * Looks until there is no session of theirs and nobody is half in, ends what it finds, and fails when some are left: at the
 * server, where a look costs no way there and back. Who is half in has a transaction and no session that can be seen;
 * when one is half in no more, it is looked once more, since it can be seen from then on. Whom we may not end is not
 * theirs, or nobody yet: then it is turned away, because they are barred. `isTold` false: that says nothing, and it is
 * waited for.
 */
function emptied({ whose, isTold, first, join }: Emptied): string {
  const [soon, later] = TERMINATE_PAUSE_MS.map((ms) => ms / 1_000);
  return `DO $looks$ DECLARE half integer[]; one integer; BEGIN ${first}
      half := ARRAY(SELECT pid FROM pg_locks WHERE locktype = 'virtualxid' AND pid <> pg_backend_pid());
      FOR look IN 1..${TERMINATE_TRIES} LOOP
        PERFORM pg_stat_clear_snapshot();
        half := ARRAY(SELECT pid FROM pg_locks WHERE locktype = 'virtualxid' AND pid = ANY (half) AND pid NOT IN
          (SELECT pid FROM pg_stat_activity WHERE usesysid IS NOT NULL OR datid IS NOT NULL));
        IF look > ${LONG} THEN FOREACH one IN ARRAY half LOOP BEGIN
          PERFORM pg_terminate_backend(one);
        EXCEPTION WHEN insufficient_privilege THEN ${isTold ? 'half := array_remove(half, one)' : 'NULL'};
        END; END LOOP; END IF;
        PERFORM pg_stat_clear_snapshot();
        BEGIN
          PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${whose};
          IF NOT FOUND AND cardinality(half) = 0 THEN RETURN; END IF;
        EXCEPTION WHEN insufficient_privilege THEN ${join}; END;
        PERFORM pg_sleep(CASE WHEN look < ${SOON} THEN ${soon} ELSE ${later} END);
      END LOOP;
      RAISE EXCEPTION 'sessions stay' USING ERRCODE = '${STAYS}';
    END $looks$`;
}

async function bar(client: pg.ClientBase, role: string): Promise<void> {
  try {
    await client.query(`ALTER ROLE ${quote(role)} NOLOGIN`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** What it holds and owns here ends before it and by itself: it may be kept by what it owns elsewhere, and is as dead then. */
async function drop(client: pg.ClientBase, role: string, { takeBack }: Ending): Promise<void> {
  try {
    if (takeBack !== null) await client.query(takeBack([role]));
    await client.query(`DROP ROLE ${quote(role)}`);
  } catch (error) {
    if (isMissing(error)) return;
    if (!(error instanceof pg.DatabaseError) || error.code !== '2BP01') throw error;
    if (takeBack === null) await client.query(`DROP OWNED BY ${quote(role)} CASCADE`);
    await client.query(`DROP ROLE ${quote(role)}`).catch((kept: unknown) => {
      if (!(kept instanceof pg.DatabaseError)) throw kept;
    });
  }
}

/**
 * Those that can log in, have a session, hold a prepared transaction that outlives both, or own something here (before 16:
 * or hold something).
 */
export async function aliveAmong(
  client: pg.ClientBase,
  roles: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ role: string }>(
    `SELECT role FROM unnest($1::text[]) AS asked (role)
     WHERE role IN (SELECT rolname FROM pg_roles WHERE rolcanlogin
       UNION ALL SELECT usename FROM pg_stat_activity WHERE usename IS NOT NULL
       UNION ALL SELECT owner FROM pg_prepared_xacts
       UNION ALL SELECT r.rolname FROM pg_roles r JOIN pg_shdepend d ON d.refobjid = r.oid
         WHERE r.rolname = ANY ($1) AND d.refclassid = 'pg_authid'::regclass
           AND (d.deptype = 'o' OR current_setting('server_version_num')::int < 160000)
           AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()))`,
    [roles],
  );
  return new Set(rows.map(({ role }) => role));
}

/** There is no such role. */
export function isMissing(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '42704';
}

function namesOf(roles: readonly string[]): string {
  return roles.map((role) => pg.escapeLiteral(role)).join(', ');
}

const quote = pg.escapeIdentifier;
