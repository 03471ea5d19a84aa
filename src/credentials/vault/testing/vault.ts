import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the database engine does at its database. Statements are the operator's in a real one. */
export interface VaultDatabase {
  create(user: string, password: string, role: string): Promise<void>;
  drop(user: string): Promise<void>;
}

interface Token {
  readonly parent: string | null;
  expiresAt: number;
  readonly renewable: boolean;
  readonly meta: unknown;
}

/**
 * A server that answers as the HTTP API of Vault and OpenBao is documented, as far as it is used here: tokens and their
 * children, AppRole, Kubernetes, leases, the database engine, key-value version 2, transit. Only tests use it.
 */
export interface TestVault {
  readonly url: string;
  /** An operator's own token. */
  readonly root: string;
  readonly tokens: Map<string, Token>;
  /** Leases by id. */
  readonly leases: Map<string, { readonly user: string; readonly token: string }>;
  readonly kv: Map<string, { readonly [field: string]: unknown }>;
  readonly logins: { approle: number; kubernetes: number; renewed: number };
  readonly faults: {
    /** Answers this to every revocation of a lease. */
    revocation?: number;
    /** Says yes to a revocation and leaves everything as it was. */
    deaf?: boolean;
    /** Gives tokens that may not look themselves up. */
    blind?: boolean;
    /** Forgets the answer to a read of credentials after making them. */
    lostAnswer?: boolean;
  };
  /** Seconds that a login's token lives. */
  ttl: number;
  /** Milliseconds that its clock is ahead. */
  ahead: number;
  close(): Promise<void>;
}

export const ROLE_ID = 'role-of-the-test';
export const SECRET_ID = 'secret-id-of-the-test';
export const POD_JWT = 'pod-token-of-the-test';

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: { readonly [name: string]: unknown };
  readonly token: string;
}

type Answer = readonly [status: number, body?: unknown];

export async function startVault(database?: VaultDatabase): Promise<TestVault> {
  const http = createServer();
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const root = `hvs.root-${randomBytes(8).toString('hex')}`;
  const vault: TestVault = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    root,
    tokens: new Map([[root, { parent: null, expiresAt: Infinity, renewable: false, meta: null }]]),
    leases: new Map(),
    kv: new Map(),
    logins: { approle: 0, kubernetes: 0, renewed: 0 },
    faults: {},
    ttl: 3_600,
    ahead: 0,
    async close() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
  const engine = new Engine(vault, database);
  http.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const asked = {
      method: request.method ?? '',
      path: (request.url ?? '').replace(/^\/v1\//, ''),
      body: text === '' ? {} : JSON.parse(text),
      token: String(request.headers['x-vault-token'] ?? ''),
    };
    const [status, body] = await engine.answer(asked).catch((): Answer => [500, errors('fault')]);
    if (status === 0) return void request.socket.destroy();
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  });
  return vault;
}

const errors = (...said: string[]) => ({ errors: said });
const DENIED: Answer = [403, errors('permission denied')];

class Engine {
  readonly #vault: TestVault;
  readonly #database: VaultDatabase | undefined;
  readonly #transit = new Map<string, Buffer[]>();

  constructor(vault: TestVault, database: VaultDatabase | undefined) {
    this.#vault = vault;
    this.#database = database;
  }

  async answer(asked: Asked): Promise<Answer> {
    const { path } = asked;
    if (path === 'auth/approle/login') return this.#approle(asked);
    if (path === 'auth/kubernetes/login') return this.#kubernetes(asked);
    const own = this.#token(asked.token);
    if (own === null) return DENIED;
    if (path.startsWith('auth/token/')) return this.#tokens(asked, own);
    if (path.startsWith('sys/leases/')) return this.#leases(asked);
    if (/^[a-z]+\/creds\//.test(path)) return this.#credentials(asked);
    if (/^[a-z]+\/data\//.test(path)) return this.#value(asked);
    if (path.startsWith('transit/')) return this.#crypt(asked);
    return [404, errors()];
  }

  #token(value: string): Token | null {
    const token = this.#vault.tokens.get(value);
    if (token === undefined) return null;
    return Date.now() + this.#vault.ahead < token.expiresAt ? token : null;
  }

  #give(parent: string | null, seconds: number, renewable: boolean, meta: unknown): Answer {
    const value = `hvs.${randomBytes(12).toString('hex')}`;
    const expiresAt = Date.now() + this.#vault.ahead + seconds * 1_000;
    this.#vault.tokens.set(value, { parent, expiresAt, renewable, meta });
    const auth = { client_token: value, accessor: `acc-${value.slice(4, 12)}`, renewable };
    return [200, { auth: { ...auth, lease_duration: seconds } }];
  }

  #approle({ body }: Asked): Answer {
    if (body.role_id !== ROLE_ID || body.secret_id !== SECRET_ID)
      return [400, errors('invalid role or secret ID')];
    this.#vault.logins.approle++;
    return this.#give(null, this.#vault.ttl, true, null);
  }

  #kubernetes({ body }: Asked): Answer {
    if (body.jwt !== POD_JWT || body.role !== 'signalbox') return DENIED;
    this.#vault.logins.kubernetes++;
    return this.#give(null, this.#vault.ttl, true, null);
  }

  async #tokens({ path, body, token }: Asked, own: Token): Promise<Answer> {
    const { vault } = { vault: this.#vault };
    const left = Math.floor((own.expiresAt - Date.now() - vault.ahead) / 1_000);
    switch (path) {
      case 'auth/token/lookup-self': {
        if (vault.faults.blind === true && own.parent !== null) return DENIED;
        const ttl = Number.isFinite(left) ? left : 0;
        return [200, { data: { ttl, renewable: own.renewable, meta: own.meta } }];
      }
      case 'auth/token/renew-self':
        if (!own.renewable) return [400, errors('lease is not renewable')];
        own.expiresAt = Date.now() + vault.ahead + vault.ttl * 1_000;
        vault.logins.renewed++;
        return [200, { auth: { client_token: token, renewable: true, lease_duration: vault.ttl } }];
      case 'auth/token/create':
        return this.#give(token, Number.parseInt(String(body.ttl), 10), false, body.meta);
      case 'auth/token/revoke-self':
        if (vault.faults.deaf !== true) await this.#end(token);
        return [204];
      default:
        return [404, errors()];
    }
  }

  /** A token takes its children and what was read with it along. */
  async #end(token: string): Promise<void> {
    const { tokens, leases } = this.#vault;
    tokens.delete(token);
    for (const [value, { parent }] of [...tokens]) if (parent === token) await this.#end(value);
    for (const [id, lease] of [...leases]) if (lease.token === token) await this.#drop(id);
  }

  async #drop(id: string): Promise<void> {
    const lease = this.#vault.leases.get(id);
    if (lease === undefined) return;
    await this.#database?.drop(lease.user);
    this.#vault.leases.delete(id);
  }

  async #leases({ path, body }: Asked): Promise<Answer> {
    const { faults, leases } = this.#vault;
    const id = String(body.lease_id);
    if (path === 'sys/leases/lookup')
      return leases.has(id) ? [200, { data: { id } }] : [400, errors('invalid lease')];
    if (faults.revocation !== undefined) return [faults.revocation, errors('cannot be reached')];
    if (faults.deaf !== true) await this.#drop(id);
    return [204];
  }

  async #credentials({ path, token }: Asked): Promise<Answer> {
    const role = path.split('/').at(-1) ?? '';
    const serial = randomBytes(6).toString('hex');
    const user = `v-${role.slice(0, 8)}-${serial}`;
    const password = `vault-${randomBytes(12).toString('hex')}`;
    await this.#database?.create(user, password, role);
    const id = `${path}/${serial}`;
    this.#vault.leases.set(id, { user, token });
    if (this.#vault.faults.lostAnswer === true) return [0];
    const data = { username: user, password };
    return [200, { lease_id: id, lease_duration: 900, renewable: true, data }];
  }

  #value({ path }: Asked): Answer {
    const data = this.#vault.kv.get(path.replace('/data/', '/'));
    return data === undefined ? [404, errors()] : [200, { data: { data, metadata: {} } }];
  }

  /** Version n of a key is its nth entry; a new one is made by `rotate`. */
  #crypt({ path, body }: Asked): Answer {
    const [, verb = '', name = '', more] = path.split('/');
    const keys = this.#transit.get(name) ?? [randomBytes(32)];
    this.#transit.set(name, keys);
    if (verb === 'keys' && more === 'rotate') {
      keys.push(randomBytes(32));
      return [204];
    }
    if (verb === 'encrypt') {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', keys.at(-1) ?? Buffer.alloc(0), nonce);
      const plain = Buffer.from(String(body.plaintext), 'base64');
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
      const text = Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
      return [200, { data: { ciphertext: `vault:v${keys.length}:${text}` } }];
    }
    const [, version = '', text = ''] = /^vault:v(\d+):(.+)$/.exec(String(body.ciphertext)) ?? [];
    const key = keys[Number(version) - 1];
    if (verb !== 'decrypt' || key === undefined) return [400, errors('invalid ciphertext')];
    const bytes = Buffer.from(text, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    const plain = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
    return [200, { data: { plaintext: plain.toString('base64') } }];
  }
}
