import type { SecretSource } from '../../domain/credential.ts';
import type { Clock } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Outward, OutwardPool } from '../outward.ts';
import type { VaultAuth, VaultServer } from './settings.ts';

/** What a vault said. `errors` are its own words, short. */
export interface VaultAnswer {
  readonly status: number;
  readonly body: JsonObject;
  readonly errors: string;
}

export interface VaultDeskParts {
  readonly secrets: SecretSource;
  readonly outward: OutwardPool;
  readonly clock: Clock;
  /** Told of every token that is ours. */
  readonly known?: { add(value: string): void } | undefined;
  /** The text of a small file: the token that Kubernetes gives a pod. */
  readonly readText: (path: string) => Promise<string>;
}

interface OwnToken {
  readonly value: string;
  readonly at: number;
  /** Null: it does not expire. */
  readonly lifeMs: number | null;
  readonly renewable: boolean;
}

/**
 * Us at one Vault or OpenBao server. Our own token: absent → logged in (AppRole, Kubernetes) or given (token) → renewed
 * past half its life → refused, then logged in once more. In memory only, except a given one, which is a stored secret.
 */
export class VaultDesk {
  readonly #server: VaultServer;
  readonly #parts: VaultDeskParts;
  readonly #outward: Outward;
  #own: Promise<OwnToken> | null = null;
  #renewing: Promise<void> | null = null;

  constructor(server: VaultServer, parts: VaultDeskParts) {
    this.#server = server;
    this.#parts = parts;
    this.#outward = parts.outward.for(server.allowPrivate);
  }

  /** As ourselves. A 403 makes a login anew, once: a token may have been ended there. */
  async ask(method: string, path: string, body?: JsonObject): Promise<VaultAnswer> {
    const own = await this.#ready();
    const answer = await this.askAs(own.value, method, path, body);
    if (answer.status !== 403 || this.#server.auth.method === 'token') return answer;
    this.#own = null;
    return this.askAs((await this.#ready()).value, method, path, body);
  }

  /** With another token: one that belongs to a lease. */
  async askAs(
    token: string | null,
    method: string,
    path: string,
    body?: JsonObject,
  ): Promise<VaultAnswer> {
    const { url, namespace } = this.#server;
    const answer = await this.#outward.send(`${url}/v1/${path}`, {
      method,
      headers: {
        accept: 'application/json',
        'x-vault-request': 'true',
        ...(token === null ? {} : { 'x-vault-token': token }),
        ...(namespace === null ? {} : { 'x-vault-namespace': namespace }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const read: unknown = await answer.json().catch(() => null);
    const found = isJsonObject(read) ? read : {};
    return { status: answer.status, body: found, errors: errorsIn(found) };
  }

  async #ready(): Promise<OwnToken> {
    this.#own ??= this.#login();
    const own = await this.#own.catch((error: unknown) => {
      this.#own = null;
      throw error;
    });
    if (own.lifeMs === null) return own;
    const age = this.#parts.clock.now() - own.at;
    if (age >= own.lifeMs) {
      this.#own = null;
      return this.#ready();
    }
    if (own.renewable && age > own.lifeMs / 2) {
      this.#renewing ??= this.#renew(own).finally(() => {
        this.#renewing = null;
      });
      await this.#renewing;
      return this.#own === null ? this.#ready() : this.#own;
    }
    return own;
  }

  /** One that cannot be renewed is used up; what comes after it is a new login. */
  async #renew(own: OwnToken): Promise<void> {
    const answer = await this.askAs(own.value, 'POST', 'auth/token/renew-self', {});
    if (answer.status === 200) this.#own = Promise.resolve(this.#tokenIn(answer));
    else if (this.#server.auth.method !== 'token') this.#own = null;
  }

  async #login(): Promise<OwnToken> {
    const { auth } = this.#server;
    if (auth.method === 'token') return this.#given(auth.secret);
    const answer = await this.askAs(
      null,
      'POST',
      `auth/${auth.mount}/login`,
      await this.#proof(auth),
    );
    if (answer.status !== 200) throw failed(this.#server, 'did not log us in', answer);
    return this.#tokenIn(answer);
  }

  async #proof(auth: Exclude<VaultAuth, { method: 'token' }>): Promise<JsonObject> {
    const { secrets, readText } = this.#parts;
    if (auth.method === 'approle')
      return { role_id: auth.roleId, secret_id: await secrets.reveal(auth.secret) };
    return { role: auth.role, jwt: (await readText(auth.tokenFile)).trim() };
  }

  /** How long a token that an operator stored still lives is asked for; so it can be renewed in time. */
  async #given(secret: string): Promise<OwnToken> {
    const value = await this.#parts.secrets.reveal(secret);
    const at = this.#parts.clock.now();
    const answer = await this.askAs(value, 'GET', 'auth/token/lookup-self');
    if (answer.status !== 200) throw failed(this.#server, 'does not take our token', answer);
    const data = isJsonObject(answer.body.data) ? answer.body.data : {};
    return { value, at, ...lifeOf(data.ttl, data.renewable) };
  }

  #tokenIn(answer: VaultAnswer): OwnToken {
    const { auth } = answer.body;
    if (!isJsonObject(auth) || typeof auth.client_token !== 'string')
      throw failed(this.#server, 'gave no token', answer);
    const at = this.#parts.clock.now();
    this.#parts.known?.add(auth.client_token);
    return { value: auth.client_token, at, ...lifeOf(auth.lease_duration, auth.renewable) };
  }
}

function lifeOf(seconds: unknown, renewable: unknown): Pick<OwnToken, 'lifeMs' | 'renewable'> {
  const life = typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : null;
  return { lifeMs: life, renewable: renewable === true };
}

function errorsIn({ errors }: JsonObject): string {
  const said = Array.isArray(errors) ? errors.map(String).join('; ') : '';
  return said.replace(/[^\x20-\x7e]|`/g, ' ').slice(0, 160);
}

export function failed(
  { name }: VaultServer,
  what: string,
  { status, errors }: VaultAnswer,
): SignalboxError {
  const said = errors === '' ? '' : `: ${errors}`;
  return new SignalboxError(
    'CREDENTIAL_FAILED',
    `vault \`${name}\` ${what} (status ${status}${said})`,
  );
}
