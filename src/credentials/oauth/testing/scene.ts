import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '../../../domain/bundle.ts';
import type { Credential } from '../../../domain/credential.ts';
import type { Doors } from '../../../domain/doors.ts';
import type { JsonObject } from '../../../domain/json.ts';
import type { Run } from '../../../domain/run.ts';
import type { Store } from '../../../domain/store.ts';
import { realDoors } from '../../../doors.ts';
import { openSqliteStore } from '../../../store/sqlite/store.ts';
import { Leases } from '../../leases.ts';
import { createSecrets, type Secrets } from '../../secrets.ts';
import { createUpstreamOAuth, type UpstreamOAuth } from '../upstream.ts';
import { type Authority, type AuthorityOptions, openAuthority } from './authority.ts';

export const REDIRECT = 'http://127.0.0.1:7411/oauth/callback';
const MASTER = Buffer.alloc(32, 5);

type SecretCredential = Extract<Credential, { kind: 'secret' }>;

/** The store, the leases and the OAuth client as they are in the product, before one server behind OAuth. */
export class Scene {
  readonly directory: string;
  readonly store: Store;
  readonly secrets: Secrets;
  readonly doors: Doors;
  readonly others: Authority[] = [];
  oauth: UpstreamOAuth;
  leases: Leases;
  readonly #time: { passed: number };
  #authority: Authority | null = null;
  #connection: Connection | null = null;
  #runs = 0;

  constructor(directory: string, store: Store, doors: Doors, time: { passed: number }) {
    this.directory = directory;
    this.store = store;
    this.doors = doors;
    this.#time = time;
    this.secrets = createSecrets({ store: this.store, masterKey: MASTER, doors: this.doors });
    this.oauth = this.#client();
    this.leases = this.#desk();
  }

  /** So many milliseconds went by since the beginning. */
  set passed(ms: number) {
    this.#time.passed = ms;
  }

  get authority(): Authority {
    assert.ok(this.#authority !== null);
    return this.#authority;
  }

  get connection(): Connection {
    assert.ok(this.#connection !== null);
    return this.#connection;
  }

  set connection(connection: Connection) {
    this.#connection = connection;
  }

  async guard(options: AuthorityOptions = {}, more: JsonObject = {}): Promise<void> {
    this.#authority = await openAuthority(options);
    this.connection = this.connectionTo(this.authority.server, more);
  }

  connectionTo(url: string, oauth: JsonObject = {}): Connection {
    const settings = { transport: 'http', url, allowPrivate: true, oauth };
    return { name: 'tickets', kind: 'mcp', environment: 'test', settings, issuer: 'oauth' };
  }

  /** As after a start of the process: nothing is known but what the store holds. */
  wake(): void {
    this.oauth = this.#client();
    this.leases = this.#desk();
  }

  /** The URL that a human agreed to. */
  async authorize(): Promise<URL> {
    const opening = await this.oauth.authorize(this.connection, REDIRECT, 'olga');
    assert.ok(opening !== null);
    const back = await this.authority.consent(opening.url);
    await this.oauth.complete(back.searchParams);
    return new URL(opening.url);
  }

  async run(): Promise<Run> {
    const id = `run_oauth_${++this.#runs}`;
    const at = this.doors.clock.now();
    const begun: Run = {
      ...{ id, root: id, parent: null, depth: 0, agent: 'coder', intent: 'test', state: 'live' },
      ...{ startedAt: at, expiresAt: at + 8 * 3_600_000, endedAt: null, budget: {} },
      ...{ tools: null, actsFor: [] },
    };
    await this.store.commit({ kind: 'run.begin', run: begun, at });
    return begun;
  }

  async tokenOf(run: Run): Promise<SecretCredential> {
    const credential = await this.leases.obtain(run, this.connection);
    assert.equal(credential?.kind, 'secret');
    return credential as SecretCredential;
  }

  isAlive({ value }: { readonly value: string }): boolean {
    return this.authority.live.has(value);
  }

  /** The server is asked with this token and says no; the connector tells it. */
  async challenged(status: number, { value, leaseId }: SecretCredential): Promise<void> {
    const headers = { authorization: `Bearer ${value}` };
    const answer = await fetch(this.authority.server, { method: 'POST', headers });
    assert.equal(answer.status, status);
    const header = answer.headers.get('www-authenticate');
    await this.oauth.challenged(this.connection, { status, header, leaseId });
  }

  async close(): Promise<void> {
    this.leases.close();
    await this.oauth.close();
    await this.store.close();
    for (const one of this.#authority === null ? [] : [this.#authority, ...this.others])
      await one.close();
    await rm(this.directory, { recursive: true });
  }

  #client(): UpstreamOAuth {
    const { secrets, store, doors } = this;
    return createUpstreamOAuth({ secrets, store, doors });
  }

  #desk(): Leases {
    const { store, doors } = this;
    const connection = async (): Promise<Connection> => this.connection;
    return new Leases({ store, issuers: [this.oauth.issuer], connection, doors, log: () => {} });
  }
}

export async function openScene(): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-oauth-'));
  const time = { passed: 0 };
  const real = realDoors();
  const clock = { now: () => Date.now() + time.passed, monotonic: real.clock.monotonic };
  const doors = { ...real, clock };
  const store = await openSqliteStore({ directory, masterKey: MASTER, doors });
  return new Scene(directory, store, doors, time);
}

export function failsWith(code: string, text: RegExp) {
  return (error: Error & { code?: string }): boolean => {
    assert.equal(error.code, code);
    assert.match(error.message, text);
    return true;
  };
}
