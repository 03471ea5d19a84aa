import type { Connection } from '../../domain/bundle.ts';
import type { CredentialIssuer, Lease, MintRequest } from '../../domain/credential.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { LeaseKeep } from '../lease-keep.ts';
import type { RoleServer } from '../postgres-role.ts';
import { endDropped } from '../postgres-role-end.ts';
import { failed, type VaultAnswer, type VaultDesk } from './desk.ts';
import type { VaultDesks } from './desks.ts';
import { VAULT_PATH, type VaultServer, vaultOf } from './settings.ts';

/*
 * A lease is a login that the database engine of a vault made, under a token of its own:
 *   token of its own ──▶ kept, sealed ──▶ login read with it ──▶ kept ──▶ handed out
 *   ──revoke the vault's lease, then that token──▶ sessions ended ──▶ verified: token, lease, login, sessions
 * What is read with a token ends with it. So a crash between any two of these leaves nothing that nobody can name: either
 * the token was never used, or it was kept. Vaults mostly drop a role and leave its sessions; those are ended here, and so
 * is who was half in at that moment (postgres-role-end.ts).
 */

const LIFETIME_MS = 15 * 60_000;
const TOKEN_MARGIN_S = 60;

export interface VaultDatabaseParts {
  readonly desks: VaultDesks;
  readonly keep: LeaseKeep;
  readonly server: Pick<RoleServer, 'with' | 'tryLogin'>;
}

export function vaultDatabaseIssuer(parts: VaultDatabaseParts): CredentialIssuer {
  const { desks, keep, server: database } = parts;
  /** Until the lease is verified dead, to try the real password against it. */
  const passwords = new Map<string, string>();

  return {
    kind: 'vault-database',
    revocability: 'instant',
    lifetimeMs: LIFETIME_MS,
    handleFor: (leaseId) => `vault:${leaseId}`,

    async mint({ lease, connection, run }: MintRequest) {
      const { server, from } = vaultOf(connection);
      const desk = desks.of(server);
      const token = await ownToken(desk, server, lease);
      const { url, namespace } = server;
      const place = { url, namespace };
      await keep.keep(lease.id, { token, place });
      await showing(desk, server, token);
      const path = `${String(from.mount)}/creds/${roleOf(from, run.agent)}`;
      const answer = await desk.askAs(token, 'GET', path);
      const { lease_id: vaultLease, data } = answer.body;
      if (answer.status !== 200 || typeof vaultLease !== 'string' || !isJsonObject(data))
        throw failed(server, `made no login at \`${path}\``, answer);
      const { username: user, password } = data;
      if (typeof user !== 'string' || typeof password !== 'string')
        throw failed(server, `gave an answer without a login at \`${path}\``, answer);
      await keep.keep(lease.id, { token, place, lease: vaultLease, user });
      passwords.set(lease.id, password);
      return { kind: 'login', leaseId: lease.id, user, password };
    },

    async revoke(lease, connection) {
      const kept = await keep.kept(lease.id);
      if (kept === null) return;
      const { server } = vaultOf(connection);
      checkPlace(kept, server);
      const desk = desks.of(server);
      if (typeof kept.lease === 'string') {
        const body = { lease_id: kept.lease, sync: true };
        const answer = await desk.ask('PUT', 'sys/leases/revoke', body);
        if (answer.status >= 300 && !isGone(answer))
          throw failed(server, 'did not end the lease', answer);
      }
      const ended = await desk.askAs(String(kept.token), 'POST', 'auth/token/revoke-self', {});
      // 403: there is no such token any more
      if (ended.status >= 300 && ended.status !== 403)
        throw failed(server, 'did not end the token of the lease', ended);
      if (typeof kept.user === 'string') await endSessions(database, connection, kept.user);
    },

    async verifyDead(lease, connection) {
      const kept = await keep.kept(lease.id);
      if (kept === null) return true;
      const { server } = vaultOf(connection);
      checkPlace(kept, server);
      const desk = desks.of(server);
      const token = await desk.askAs(String(kept.token), 'GET', 'auth/token/lookup-self');
      if (token.status !== 403) return unless(token, server);
      if (typeof kept.lease === 'string') {
        const found = await desk.ask('PUT', 'sys/leases/lookup', { lease_id: kept.lease });
        if (!isGone(found)) return unless(found, server);
      }
      if (typeof kept.user === 'string') {
        const password = passwords.get(lease.id) ?? 'unknown';
        if ((await database.tryLogin(connection, kept.user, password)) !== 'refused') return false;
        // nobody gets in any more: what was half in until then is all that can be left
        await endSessions(database, connection, kept.user);
      }
      passwords.delete(lease.id);
      await keep.drop(lease.id);
      return true;
    },
  };
}

/**
 * A token that may not look itself up is refused like one that is dead: of such a one nobody could say which. Asked before
 * anything is read with it.
 */
async function showing(desk: VaultDesk, server: VaultServer, token: string): Promise<void> {
  const seen = await desk.askAs(token, 'GET', 'auth/token/lookup-self');
  if (seen.status !== 200)
    throw failed(server, 'does not let the token of a lease look itself up', seen);
}

/** Another vault never heard of it, and would say that it is dead. */
function checkPlace({ place }: JsonObject, { name, url, namespace }: VaultServer): void {
  if (isJsonObject(place) && place.url === url && place.namespace === namespace) return;
  throw new SignalboxError(
    'CREDENTIAL_FAILED',
    `vault \`${name}\` leads elsewhere than when the login was made`,
    { help: 'name the vault as before until the lease is dead, or end it there' },
  );
}

/** Alive when the vault says so; anything but an answer is no answer. */
function unless(answer: VaultAnswer, server: VaultServer): false {
  if (answer.status === 200) return false;
  throw failed(server, 'did not say whether the lease lives', answer);
}

function isGone({ status, errors }: VaultAnswer): boolean {
  return status === 404 || (status === 400 && /invalid lease|lease not found/i.test(errors));
}

async function ownToken(desk: VaultDesk, server: VaultServer, lease: Lease): Promise<string> {
  const seconds = Math.ceil((lease.expiresAt - lease.mintedAt) / 1_000) + TOKEN_MARGIN_S;
  const answer = await desk.ask('POST', 'auth/token/create', {
    ttl: `${seconds}s`,
    explicit_max_ttl: `${seconds}s`,
    renewable: false,
    display_name: 'signalbox',
    meta: { lease: lease.id, run: lease.runId, agent: lease.agent },
  });
  const { auth } = answer.body;
  if (answer.status !== 200 || !isJsonObject(auth) || typeof auth.client_token !== 'string')
    throw failed(server, 'made no token for a lease', answer);
  return auth.client_token;
}

/** `{agent}` in the role of the file: each agent has its own rights. */
function roleOf({ role }: JsonObject, agent: string): string {
  const named = String(role).replaceAll('{agent}', agent);
  if (!VAULT_PATH.test(named) || named.includes('/'))
    throw new SignalboxError(
      'CREDENTIAL_FAILED',
      `\`${named.slice(0, 80)}\` is no role of a vault`,
    );
  return named;
}

/**
 * The vault drops a role and leaves its sessions, and who was half in then. Ends what may be ended: the broker has to be a
 * member of `pg_signal_backend`.
 */
async function endSessions(
  server: Pick<RoleServer, 'with'>,
  connection: Connection,
  user: string,
): Promise<void> {
  await server
    .with(connection, (client) => endDropped(client, user))
    .catch((cause: unknown) => {
      if (!isOfSessions(cause)) throw cause;
      throw new SignalboxError(
        'CREDENTIAL_FAILED',
        `\`${connection.name}\` has open sessions of a revoked login, and the broker may not end them`,
        { cause, help: 'grant the broker `pg_signal_backend`' },
      );
    });
}

/** They stay, or we may not end them; anything else is a database that did not answer. */
function isOfSessions(error: unknown): boolean {
  if (error instanceof SignalboxError) return error.code === 'CREDENTIAL_FAILED';
  return (error as { code?: unknown }).code === '42501';
}
