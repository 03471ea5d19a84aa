import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import type { Connection } from '../domain/bundle.ts';
import type { CredentialIssuer, SecretSource } from '../domain/credential.ts';
import type { Clock } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { LeaseKeep } from './lease-keep.ts';
import type { Outward, OutwardPool } from './outward.ts';

/*
 * A lease is an installation token of a GitHub App, narrowed to repositories and permissions:
 *   mint ──▶ kept, sealed ──▶ handed out ──DELETE /installation/token──▶ shown once more, refused with 401 ──▶ forgotten
 * The token lives an hour at GitHub whatever is asked for; the lease ends it after 15 minutes at most. One that was given
 * and not yet kept when this process died is known to nobody and ends by its hour.
 */

const LIFETIME_MS = 15 * 60_000;
/** By our own clock, whatever that of GitHub says. */
const LIFE_MS = 60 * 60_000;
/** A token is taken for over this long after its hour. */
const MARGIN_MS = 60_000;
/** GitHub takes assertions of ten minutes at most, and clocks differ. */
const ASSERTION_S = { before: 60, after: 540 } as const;
const TOKEN = /^[\x21-\x7e]{1,1024}$/;

export interface GitHubAppParts {
  readonly secrets: SecretSource;
  readonly keep: LeaseKeep;
  readonly outward: OutwardPool;
  readonly clock: Clock;
}

interface AppSettings {
  readonly api: string;
  readonly appId: string;
  readonly installation: string;
  /** Name of the secret that holds the private key (PEM). */
  readonly privateKey: string;
  readonly repositories: readonly string[];
  readonly permissions: { readonly [name: string]: string };
  readonly allowPrivate: boolean;
}

export function githubAppIssuer(parts: GitHubAppParts): CredentialIssuer {
  const { secrets, keep, clock } = parts;
  const outwardOf = ({ allowPrivate }: AppSettings): Outward => parts.outward.for(allowPrivate);

  return {
    kind: 'github-app',
    revocability: 'instant',
    lifetimeMs: LIFETIME_MS,
    handleFor: (leaseId) => `github:${leaseId}`,

    async mint({ lease, connection }) {
      const settings = settingsOf(connection);
      const assertion = assertionOf(settings, await secrets.reveal(settings.privateKey), clock);
      const given = await tokenFrom(outwardOf(settings), settings, assertion);
      const expiresAt = Math.max(given.expiresAt, clock.now() + LIFE_MS);
      await keep.keep(lease.id, { token: given.token, expiresAt, api: settings.api });
      const wider = widerThanAsked(settings, given.body);
      // the lease is ended by whoever asked for it; the token was kept for that
      if (wider !== null) throw failed(`GitHub gave more than was asked for: ${wider}`);
      return { kind: 'secret', leaseId: lease.id, value: given.token };
    },

    async revoke(lease, connection) {
      const token = await tokenOf(keep, lease.id);
      if (token === null) return;
      const settings = { ...settingsOf(connection), api: token.api };
      const answer = await asked(outwardOf(settings), settings, {
        method: 'DELETE',
        path: '/installation/token',
        bearer: token.value,
      });
      // 401: it is over already
      if (answer.status !== 204 && answer.status !== 401)
        throw failed(`GitHub did not end the token (status ${answer.status})`);
    },

    async verifyDead(lease, connection) {
      const token = await tokenOf(keep, lease.id);
      if (token === null) return true;
      const settings = { ...settingsOf(connection), api: token.api };
      const over = clock.now() > token.expiresAt + MARGIN_MS;
      if (!over) {
        const path = '/installation/repositories?per_page=1';
        const answer = await asked(outwardOf(settings), settings, {
          method: 'GET',
          path,
          bearer: token.value,
        });
        if (answer.status !== 401) return false;
      }
      await keep.drop(lease.id);
      return true;
    },
  };
}

function settingsOf({ name, settings }: Connection): AppSettings {
  const { githubApp, url, allowPrivate } = settings;
  if (!isJsonObject(githubApp) || typeof url !== 'string')
    throw failed(`connection \`${name}\` has no \`githubApp\``);
  const { appId, installation, privateKey, repositories, permissions } = githubApp;
  return {
    api: url,
    appId: String(appId),
    installation: String(installation),
    privateKey: String(privateKey),
    repositories: Array.isArray(repositories) ? repositories.map(String) : [],
    permissions: isJsonObject(permissions)
      ? Object.fromEntries(
          Object.entries(permissions).map(([right, level]) => [right, String(level)]),
        )
      : {},
    allowPrivate: allowPrivate === true,
  };
}

/** The app's own word for itself: a JWT signed with RS256, good for nine minutes, used once and kept nowhere. */
function assertionOf({ appId }: AppSettings, pem: string, clock: Clock): string {
  const now = Math.floor(clock.now() / 1_000);
  const part = (value: JsonObject): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iat: now - ASSERTION_S.before, exp: now + ASSERTION_S.after, iss: appId };
  const said = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`;
  return `${said}.${sign('sha256', Buffer.from(said), keyOf(pem)).toString('base64url')}`;
}

function keyOf(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw failed('the private key of the GitHub App cannot be read; expected PEM');
  }
  if (key.asymmetricKeyType !== 'rsa')
    throw failed('expected an RSA private key of a GitHub App, got another kind');
  return key;
}

async function tokenFrom(outward: Outward, settings: AppSettings, assertion: string) {
  const { installation, repositories, permissions } = settings;
  const answer = await asked(outward, settings, {
    method: 'POST',
    path: `/app/installations/${encodeURIComponent(installation)}/access_tokens`,
    bearer: assertion,
    body: {
      ...(repositories.length === 0 ? {} : { repositories: [...repositories] }),
      permissions,
    },
  });
  const body: unknown = await answer.json().catch(() => null);
  if (answer.status !== 201 || !isJsonObject(body))
    throw failed(`GitHub gave no installation token (status ${answer.status})`);
  const { token, expires_at: until } = body;
  const expiresAt = Date.parse(String(until));
  if (typeof token !== 'string' || !TOKEN.test(token) || !Number.isFinite(expiresAt))
    throw failed('GitHub gave an answer that is no installation token');
  return { token, expiresAt, body };
}

const LEVELS = ['read', 'write', 'admin'];

/** What GitHub gave beyond what was asked for; null when nothing. */
function widerThanAsked(
  { repositories, permissions }: AppSettings,
  given: JsonObject,
): string | null {
  if (repositories.length > 0 && given.repository_selection === 'all') return 'all repositories';
  const rights = isJsonObject(given.permissions) ? given.permissions : {};
  for (const [right, level] of Object.entries(rights)) {
    const wanted = Object.hasOwn(permissions, right) ? permissions[right] : undefined;
    // every installation may read the names of its repositories
    if (wanted === undefined && right === 'metadata' && level === 'read') continue;
    if (wanted === undefined || LEVELS.indexOf(String(level)) > LEVELS.indexOf(wanted))
      return `\`${right}: ${String(level)}\``.slice(0, 100);
  }
  return null;
}

/** With where it was given: it is ended there, and shown to nobody else, wherever its connection leads by now. */
async function tokenOf(keep: LeaseKeep, leaseId: string) {
  const kept = await keep.kept(leaseId);
  if (kept === null || typeof kept.token !== 'string') return null;
  return { value: kept.token, expiresAt: Number(kept.expiresAt), api: String(kept.api) };
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly bearer: string;
  readonly body?: JsonObject;
}

function asked(
  outward: Outward,
  { api }: AppSettings,
  { method, path, bearer, body }: Question,
): Promise<Response> {
  return outward.send(`${api}${path}`, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
      'user-agent': 'signalbox',
      authorization: `Bearer ${bearer}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
}

function failed(why: string): SignalboxError {
  return new SignalboxError('CREDENTIAL_FAILED', why);
}
