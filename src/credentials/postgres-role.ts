import pg from 'pg';
import type { Connection } from '../domain/bundle.ts';
import type { CredentialIssuer, MintRequest } from '../domain/credential.ts';
import { digestOf } from '../domain/digest.ts';
import type { Doors } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { aliveAmong, endRoles, isMissing } from './postgres-role-end.ts';
import { scramVerifier } from './scram.ts';
import { SideBySide } from './side-by-side.ts';

/*
 * A lease is a LOGIN role that is a member of its agent's grant role and owns nothing:
 *   mint ──▶ LOGIN, VALID UNTIL ──revoke──▶ NOLOGIN, sessions ended ──▶ dropped
 * NOLOGIN comes first, or what is ended connects again. Dead means: gone or NOLOGIN, no session, and a login refused; of
 * those that end side by side one is tried for all.
 */

const LIFETIME_MS = 15 * 60_000;
/** The connector keeps four sessions; the rest is for those being replaced. */
const CONNECTION_LIMIT = 6;
/** The first release in which GRANT says INHERIT and SET for each membership. */
const PG16 = 160_000;
const TRANSIENT = new Set(['40001', '40P01', 'XX000', '55P03']);

/** Pinned on the role, so that they hold for whoever uses the login. */
const SETTINGS: readonly (readonly [string, string])[] = [
  ['statement_timeout', '60s'],
  ['lock_timeout', '5s'],
  ['idle_in_transaction_session_timeout', '30s'],
  ['search_path', 'pg_catalog, public, pg_temp'],
];

/** What this issuer needs of the PostgreSQL connector's broker login; given by construction. */
export interface RoleServer {
  with<T>(connection: Connection, use: (client: pg.ClientBase) => Promise<T>): Promise<T>;
  server(connection: Connection): Promise<{ readonly version: number; readonly aheadMs: number }>;
  /** The stable role whose privileges a run of this agent gets. */
  grantRole(agent: string, connection: Connection): string;
  brokerRole(connection: Connection): string;
  tryLogin(
    connection: Connection,
    user: string,
    password: string,
  ): Promise<'accepted' | 'refused' | 'unclear'>;
}

const PREFIX = 'sbxrole_';
const NAME_LENGTH = 40;

/**
 * `tag`: stands in the names of what this deployment makes, so that it is told from what another one makes at the same
 * server; lower-case hexadecimal.
 */
export function postgresRoleIssuer(admin: RoleServer, doors: Doors, tag = ''): CredentialIssuer {
  /** Until the lease is verified dead, to try the real password against it. */
  const passwords = new Map<string, string>();
  const endings = new SideBySide((connection, close: () => readonly string[]) =>
    admin.with(connection, (client) => endRoles(client, close(), doors.timers)),
  );
  const verdicts = new SideBySide((connection, close: () => readonly Suspect[]) =>
    areDead(admin, connection, close),
  );

  const end = async (role: string, connection: Connection): Promise<void> => {
    const why = await endings.join(connection, role);
    if (why !== null) throw why;
  };

  return {
    kind: 'postgres-role',
    revocability: 'instant',
    lifetimeMs: LIFETIME_MS,
    handleFor: (leaseId) => `${PREFIX}${tag}${digestOf('run-role', leaseId)}`.slice(0, NAME_LENGTH),

    async mint({ lease, connection, run }: MintRequest) {
      const password = Buffer.from(doors.entropy.bytes(32)).toString('base64url');
      const verifier = await scramVerifier(password, doors.entropy.bytes(16));
      const { version, aheadMs } = await admin.server(connection);
      const sql = mintSql({
        role: lease.handle,
        grants: admin.grantRole(run.agent, connection),
        broker: admin.brokerRole(connection),
        verifier,
        until: new Date(lease.expiresAt + aheadMs).toISOString(),
        modern: version >= PG16,
      });
      passwords.set(lease.id, password);
      await admin
        .with(connection, (client) => twice(() => create(client, lease.handle, sql)))
        .catch((error: unknown) => {
          passwords.delete(lease.id);
          throw unminted(connection, error);
        });
      return { kind: 'login', leaseId: lease.id, user: lease.handle, password };
    },

    revoke: (lease, connection) => end(lease.handle, connection),

    madeAt: (connection) =>
      tag === ''
        ? Promise.resolve([])
        : admin.with(connection, async (client) => {
            const { rows } = await client.query<{ rolname: string }>(
              'SELECT rolname FROM pg_roles WHERE rolcanlogin AND starts_with(rolname, $1)',
              [PREFIX + tag],
            );
            return rows.map(({ rolname }) => rolname);
          }),

    endStray: (handle, connection) => end(handle, connection),

    async verifyDead(lease, connection) {
      // After a restart nobody knows the password any more: then any will do to be refused.
      const password = passwords.get(lease.id) ?? null;
      const dead = await verdicts.join(connection, { role: lease.handle, password });
      if (dead) passwords.delete(lease.id);
      return dead;
    },
  };
}

interface Suspect {
  readonly role: string;
  readonly password: string | null;
}

/**
 * Which of them are dead: none is found alive in the catalogue, and a login is really tried. One for all of them, since
 * each costs the server a process; each its own when that one is not refused.
 */
async function areDead(
  admin: RoleServer,
  connection: Connection,
  close: () => readonly Suspect[],
): Promise<boolean[]> {
  return admin.with(connection, async (client) => {
    const suspects = close();
    const isRefused = async ({ role, password }: Suspect): Promise<boolean> =>
      (await admin.tryLogin(connection, role, password ?? 'unknown')) === 'refused';
    const [first] = suspects.toSorted(
      (a, b) => Number(b.password !== null) - Number(a.password !== null),
    );
    const roles = suspects.map(({ role }) => role);
    const [alive, allRefused] = await Promise.all([
      aliveAmong(client, roles),
      first === undefined || isRefused(first),
    ]);
    const dead: boolean[] = [];
    for (const suspect of suspects)
      dead.push(
        !alive.has(suspect.role) &&
          (allRefused || (suspect !== first && (await isRefused(suspect)))),
      );
    return dead;
  });
}

interface MintSql {
  readonly role: string;
  readonly grants: string;
  readonly broker: string;
  readonly verifier: string;
  readonly until: string;
  /** PostgreSQL 16 and later say INHERIT and SET for each membership. */
  readonly modern: boolean;
}

/** One string of statements is one transaction: the role appears whole or not at all. */
function mintSql({ role, grants, broker, verifier, until, modern }: MintSql): string {
  const name = quote(role);
  const member = modern ? ' WITH INHERIT TRUE, SET FALSE' : '';
  return [
    `CREATE ROLE ${name} LOGIN PASSWORD ${pg.escapeLiteral(verifier)}` +
      ` VALID UNTIL ${pg.escapeLiteral(until)} CONNECTION LIMIT ${CONNECTION_LIMIT}`,
    `GRANT ${quote(grants)} TO ${name}${member}`,
    // Without inheriting it the broker may not end its sessions.
    `GRANT ${name} TO ${quote(broker)}${member}`,
    ...SETTINGS.map(([setting, value]) => {
      const said = setting === 'search_path' ? value : pg.escapeLiteral(value);
      return `ALTER ROLE ${name} SET ${setting} = ${said}`;
    }),
  ].join('; ');
}

/** A repeat after a lost answer finds its role there: it is made anew, with the new password. */
async function create(client: pg.ClientBase, role: string, sql: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== '42710') throw error;
    await client.query(`DROP ROLE ${quote(role)}; ${sql}`);
  }
}

/** Concurrent changes of the role catalogue can fail one of two; the second try is alone more often. */
async function twice(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || !TRANSIENT.has(error.code ?? '')) throw error;
    await work();
  }
}

function unminted(connection: Connection, error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error;
  if (isMissing(error))
    return new SignalboxError(
      'CREDENTIAL_FAILED',
      `\`${connection.name}\` has no grant role for this agent`,
      { help: 'run `signalbox apply`: it prepares the grants at the database', cause: error },
    );
  const { code } = error as { code?: string };
  return new SignalboxError(
    'CREDENTIAL_FAILED',
    `\`${connection.name}\` did not take a new login (${code ?? 'no answer'})`,
    { cause: error },
  );
}

const quote = pg.escapeIdentifier;
