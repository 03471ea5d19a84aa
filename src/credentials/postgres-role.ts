import pg from 'pg';
import type { Connection } from '../domain/bundle.ts';
import type { CredentialIssuer, Lease, MintRequest } from '../domain/credential.ts';
import { digestOf } from '../domain/digest.ts';
import type { Doors } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { aliveAmong, endRoles, isMissing } from './postgres-role-end.ts';
import { scramVerifier } from './scram.ts';
import { SideBySide } from './side-by-side.ts';

/*
 * A lease is a LOGIN role that is a member of its agent's grant role (before PostgreSQL 16: holds the same itself) and owns
 * nothing:
 *   mint ──▶ LOGIN, VALID UNTIL ──revoke──▶ NOLOGIN, sessions ended ──▶ dropped
 * NOLOGIN comes first, or what is ended connects again. Dead means: gone or NOLOGIN, no session, and a login refused; of
 * those that end side by side one is tried for all, while their sessions are still ending.
 */

const LIFETIME_MS = 15 * 60_000;
/** The connector keeps four sessions; the rest is for those being replaced. */
const CONNECTION_LIMIT = 6;
/** The first release in which a membership can be without SET: a member of a role cannot take it on and hand it on. */
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
  /** Statements that give a login itself what the stable role holds. */
  handOn(grants: string, login: string): string;
  /** Statements that take from such logins what they hold and own in this database. */
  takeBack(logins: readonly string[]): string;
  brokerRole(connection: Connection): string;
  tryLogin(
    connection: Connection,
    user: string,
    password: string | (() => Promise<string>),
  ): Promise<'accepted' | 'refused' | 'unclear'>;
}

const PREFIX = 'sbxrole_';
const NAME_LENGTH = 40;
/** Sessions that are opened when something is minted, and looked after again later, so that an end finds one at hand. */
const AT_HAND = 2;
const LOOKED_AFTER_MS = 60_000;
/** Ends whose verdict nobody has asked for. */
const MOST_EARLY = 1_000;

/**
 * `tag`: stands in the names of what this deployment makes, so that it is told from what another one makes at the same
 * server; lower-case hexadecimal.
 */
export function postgresRoleIssuer(admin: RoleServer, doors: Doors, tag = ''): CredentialIssuer {
  /** Until the lease is verified dead, to try the real password against it. */
  const passwords = new Map<string, string>();
  const logins = new Logins(admin);
  const hand = new AtHand(admin, doors);
  const endings = new SideBySide((connection, close: () => readonly Suspect[]) =>
    admin.with(connection, async (client) => {
      const { version } = await admin.server(connection);
      const suspects = close();
      const roles = suspects.map(({ role }) => role);
      const early = logins.atTheDoor(connection, suspects);
      const takeBack = version < PG16 ? admin.takeBack : null;
      try {
        return await endRoles(client, roles, { takeBack, barred: early.knock });
      } finally {
        early.leave();
      }
    }),
  );
  const verdicts = new SideBySide((connection, close: () => readonly Suspect[]) =>
    areDead(admin, logins, connection, close),
  );

  const end = async (suspect: Suspect, connection: Connection): Promise<void> => {
    const why = await endings.join(connection, suspect);
    if (why !== null) throw why;
  };

  // after a restart nobody knows the password any more: then any will do to be refused
  const suspectOf = ({ id, handle }: Lease): Suspect => ({
    role: handle,
    password: passwords.get(id) ?? null,
  });

  return {
    kind: 'postgres-role',
    revocability: 'instant',
    lifetimeMs: LIFETIME_MS,
    handleFor: (leaseId) => `${PREFIX}${tag}${digestOf('run-role', leaseId)}`.slice(0, NAME_LENGTH),

    async mint({ lease, connection, run }: MintRequest) {
      const password = Buffer.from(doors.entropy.bytes(32)).toString('base64url');
      const verifier = await scramVerifier(password, doors.entropy.bytes(16));
      const { version, aheadMs } = await admin.server(connection);
      const until = new Date(lease.expiresAt + aheadMs).toISOString();
      const sql = mintSql({
        role: lease.handle,
        ...{ grants: admin.grantRole(run.agent, connection), verifier, until },
        broker: admin.brokerRole(connection),
        handOn: version >= PG16 ? null : admin.handOn,
      });
      passwords.set(lease.id, password);
      await admin
        .with(connection, (client) => twice(() => create(client, lease.handle, sql)))
        .catch((error: unknown) => {
          passwords.delete(lease.id);
          throw unminted(connection, error);
        });
      hand.look(connection);
      return { kind: 'login', leaseId: lease.id, user: lease.handle, password };
    },

    revoke: (lease, connection) => end(suspectOf(lease), connection),

    madeAt: (connection) =>
      tag === ''
        ? Promise.resolve([])
        : admin.with(connection, (client) => loginsOf(client, PREFIX + tag)),

    endStray: (handle, connection) => end({ role: handle, password: null }, connection),

    async verifyDead(lease, connection) {
      const dead = await verdicts.join(connection, suspectOf(lease));
      if (dead) passwords.delete(lease.id);
      return dead;
    },
  };
}

async function loginsOf(client: pg.ClientBase, prefix: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ rolname: string }>(
    'SELECT rolname FROM pg_roles WHERE rolcanlogin AND starts_with(rolname, $1)',
    [prefix],
  );
  return rows.map(({ rolname }) => rolname);
}

/** A halt aborts and ends at the same moment: for each a session of the broker is at hand, and none has to be opened then. */
class AtHand {
  readonly #admin: RoleServer;
  readonly #doors: Pick<Doors, 'clock'>;
  readonly #lookedAt = new WeakMap<Connection['settings'], number>();

  constructor(admin: RoleServer, doors: Pick<Doors, 'clock'>) {
    this.#admin = admin;
    this.#doors = doors;
  }

  /** Side by side, so that each takes one of its own; not again within a minute. */
  look(connection: Connection): void {
    const now = this.#doors.clock.monotonic();
    const last = this.#lookedAt.get(connection.settings) ?? Number.NEGATIVE_INFINITY;
    if (now - last < LOOKED_AFTER_MS) return;
    this.#lookedAt.set(connection.settings, now);
    for (let n = 0; n < AT_HAND; n++)
      this.#admin.with(connection, (client) => aliveAmong(client, [])).catch(() => {});
  }
}

interface Suspect {
  readonly role: string;
  readonly password: string | null;
}

/** One login that is under way: `knock` when nobody of them may log in any more, `leave` when that is over. */
interface AtTheDoor {
  knock(): void;
  leave(): void;
}

/**
 * Tries to log in as those that end: one of them already while their sessions are ending. It stands at the door before,
 * since a server takes its time to open one, and gives its password when nobody may in any more: the server decides by what
 * its catalogue says after that.
 */
class Logins {
  readonly #admin: RoleServer;
  readonly #early = new Map<string, Promise<boolean | null>>();

  constructor(admin: RoleServer) {
    this.#admin = admin;
  }

  atTheDoor(connection: Connection, suspects: readonly Suspect[]): AtTheDoor {
    const barred = Promise.withResolvers<string>();
    barred.promise.catch(() => {});
    const leave = (): void => barred.reject(new Error('nobody was barred'));
    const one = bestKnown(suspects);
    if (one === undefined || this.#early.size >= MOST_EARLY) return { knock: () => {}, leave };
    let asked = false;
    const password = (): Promise<string> => {
      asked = true;
      return barred.promise;
    };
    const answered = this.#admin.tryLogin(connection, one.role, password);
    const knock = (): void => {
      barred.resolve(one.password ?? 'unknown');
      // one that was let in without a word says nothing of what is barred now
      const refused = answered.then((answer) => (asked ? answer === 'refused' : null));
      this.#early.set(one.role, refused);
    };
    return { knock, leave };
  }

  /** Those that were tried early, told once, and whether they were refused. */
  async told(suspects: readonly Suspect[]): Promise<Map<Suspect, boolean>> {
    const tried = new Map<Suspect, boolean>();
    for (const suspect of suspects) {
      const early = this.#early.get(suspect.role);
      this.#early.delete(suspect.role);
      const refused = (await early) ?? null;
      if (refused !== null) tried.set(suspect, refused);
    }
    return tried;
  }

  async isRefused(connection: Connection, { role, password }: Suspect): Promise<boolean> {
    return (await this.#admin.tryLogin(connection, role, password ?? 'unknown')) === 'refused';
  }
}

/** One whose real password is known, or any. */
function bestKnown(suspects: readonly Suspect[]): Suspect | undefined {
  return suspects.find(({ password }) => password !== null) ?? suspects[0];
}

/**
 * Which of them are dead: none is found alive in the catalogue, and a login is really tried. One for all of them, since
 * each costs the server a process; each its own when that one is not refused.
 */
async function areDead(
  admin: RoleServer,
  logins: Logins,
  connection: Connection,
  close: () => readonly Suspect[],
): Promise<boolean[]> {
  return admin.with(connection, async (client) => {
    const suspects = close();
    const roles = suspects.map(({ role }) => role);
    const tried = await logins.told(suspects);
    const one = bestKnown(suspects);
    if (tried.size === 0 && one !== undefined)
      tried.set(one, await logins.isRefused(connection, one));
    // last: what the answers above took is part of what is looked at
    const alive = await aliveAmong(client, roles);
    const isOneForAll = [...tried.values()].every((refused) => refused);
    const dead: boolean[] = [];
    for (const suspect of suspects) {
      const refused =
        tried.get(suspect) ?? (isOneForAll || (await logins.isRefused(connection, suspect)));
      dead.push(refused && !alive.has(suspect.role));
    }
    return dead;
  });
}

interface MintSql {
  readonly role: string;
  readonly grants: string;
  readonly broker: string;
  readonly verifier: string;
  readonly until: string;
  /** Before PostgreSQL 16, where a member could take the grant role on. */
  readonly handOn: RoleServer['handOn'] | null;
}

/** One string of statements is one transaction: the role appears whole or not at all. */
function mintSql({ role, grants, broker, verifier, until, handOn }: MintSql): string {
  const name = quote(role);
  const member = handOn === null ? ' WITH INHERIT TRUE, SET FALSE' : '';
  return [
    `CREATE ROLE ${name} LOGIN PASSWORD ${pg.escapeLiteral(verifier)}` +
      ` VALID UNTIL ${pg.escapeLiteral(until)} CONNECTION LIMIT ${CONNECTION_LIMIT}`,
    handOn === null ? `GRANT ${quote(grants)} TO ${name}${member}` : handOn(grants, role),
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
    await client.query(`DROP OWNED BY ${quote(role)} CASCADE; DROP ROLE ${quote(role)}; ${sql}`);
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
