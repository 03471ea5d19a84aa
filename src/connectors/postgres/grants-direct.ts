import pg from 'pg';
import type { Connection } from '../../domain/bundle.ts';
import type { AdminClient } from './admin.ts';
import { bringTo } from './grants-role.ts';
import { loginComment } from './names.ts';
import { heldText, type Privilege } from './privileges.ts';

/*
 * Before PostgreSQL 16 a member of a role may take it on (SET ROLE), and in 14 a login may make others its members. So a
 * session of somebody else could act as the grant role, which stays when the login is gone, and nothing shows it. There
 * the grant role is only a pattern: each login holds the same itself, and what it holds ends with it for whoever took it on.
 */

/** Of everything that changes grants at a database: an apply, and there minting and ending too. */
export const GRANTS_LOCK = `SELECT pg_advisory_xact_lock(hashtextextended('signalbox grants', 0))`;

/** Statements that give the login itself what the grant role holds. They fail with 42704 when there is no such role. */
export function handOnText(grants: string, login: string): string {
  const [from, to] = [pg.escapeLiteral(grants), pg.escapeLiteral(login)];
  return `${GRANTS_LOCK};
    DO $hand_on$ DECLARE one record; BEGIN
      PERFORM quote_ident(${from})::regrole;
      FOR one IN ${heldText(from)} LOOP
        EXECUTE format('GRANT %s ON %s TO %I', one.privilege, one.object, ${to});
      END LOOP;
    END $hand_on$;
    COMMENT ON ROLE ${pg.escapeIdentifier(login)} IS ${pg.escapeLiteral(loginComment(grants))}`;
}

/** Takes what they hold and own in this database. */
export function takeBackText(logins: readonly string[]): string {
  const them = logins.map((login) => pg.escapeIdentifier(login)).join(', ');
  return `${GRANTS_LOCK}; GRANT ${them} TO CURRENT_USER; DROP OWNED BY ${them} CASCADE`;
}

/** Logins that live are given and lose what their grant role is given and loses. Where members are used there are none. */
export async function bringLogins(
  client: AdminClient,
  connection: Connection,
  grants: string,
  needed: readonly Privilege[],
): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>(
    `SELECT r.rolname FROM pg_roles r JOIN pg_shdescription d
       ON d.classoid = 'pg_authid'::regclass AND d.objoid = r.oid
     WHERE starts_with(r.rolname, 'sbxrole_') AND d.description = $1`,
    [loginComment(grants)],
  );
  for (const { rolname } of rows) await bringTo(client, connection, rolname, needed);
}
