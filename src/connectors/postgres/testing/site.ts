/** A real PostgreSQL with the acme database, its broker and everything a run needs there. Only tests use it. */
import pg from 'pg';
import { type AcmePostgres, startPostgres } from '../../../../examples/acme/postgres.ts';
import { type Acme, createAcme } from '../../../../examples/acme/schema.ts';
import { postgresRoleIssuer } from '../../../credentials/postgres-role.ts';
import type { Connection, Tool } from '../../../domain/bundle.ts';
import type { Call, Connector, Flight, Inspector } from '../../../domain/connector.ts';
import { NO_SINK } from '../../../domain/connector.ts';
import type { Credential, CredentialIssuer, Lease } from '../../../domain/credential.ts';
import { digestOf } from '../../../domain/digest.ts';
import type { Doors } from '../../../domain/doors.ts';
import { effectVector } from '../../../domain/effect.ts';
import type { JsonObject } from '../../../domain/json.ts';
import type { Measured, ToolResult } from '../../../domain/proposal.ts';
import type { Run } from '../../../domain/run.ts';
import { realDoors } from '../../../doors.ts';
import { createPostgresAdmin, type PostgresAdmin } from '../admin.ts';
import { createPostgresConnector } from '../connector.ts';
import { createPostgresInspector } from '../inspector.ts';

type Login = Extract<Credential, { kind: 'login' }>;

export const AGENT = 'support';
const CAP = effectVector({ calls: 1, rowsRead: 50, rowsWritten: 20, rowsDeleted: 5 });

export interface Site {
  readonly server: AcmePostgres;
  readonly acme: Acme;
  readonly connection: Connection;
  readonly doors: Doors;
  readonly admin: PostgresAdmin;
  readonly inspector: Inspector;
  readonly connector: Connector;
  readonly issuer: CredentialIssuer;
  /** As the superuser, in the acme database. */
  sql(text: string, values?: readonly unknown[]): Promise<pg.QueryResult>;
  /** A tool with inputs for all its parameters, not yet derived. */
  draft(name: string, sql: string, more?: Partial<Tool>): Tool;
  tool(name: string, sql: string, more?: Partial<Tool>): Promise<Tool>;
  /** Gives the agent exactly these tools. */
  grant(...tools: readonly Tool[]): Promise<void>;
  lease(id?: string): Lease;
  mint(id?: string): Promise<{ lease: Lease; login: Login }>;
  call(tool: Tool, given: JsonObject, login: Credential | null, more?: Partial<Call>): Call;
  begin(call: Call): Promise<Flight>;
  /** Begins, and finishes or cancels. */
  done(call: Call): Promise<{ measured: Measured; result: ToolResult }>;
  previewed(call: Call): Promise<Measured>;
  /** Logs in by itself, as a thief with the credential would. */
  leaked(login: Login, options?: string): Promise<pg.Client>;
  stop(): Promise<void>;
}

export const RUN: Run = {
  id: 'run_1',
  root: 'run_1',
  parent: null,
  depth: 0,
  agent: AGENT,
  intent: 'test',
  state: 'live',
  startedAt: 0,
  expiresAt: Number.MAX_SAFE_INTEGER,
  endedAt: null,
  budget: {},
  tools: null,
  actsFor: [],
};

interface Base {
  readonly server: AcmePostgres;
  readonly acme: Acme;
  readonly connection: Connection;
  readonly doors: Doors;
}

/** `durable`: for tests that crash the server. */
export async function openSite({ durable = false } = {}): Promise<Site> {
  const server = await startPostgres({ durable });
  const acme = await createAcme(server);
  const { host, port } = server;
  const connection: Connection = {
    name: 'acme-db',
    kind: 'postgres',
    environment: 'production',
    settings: { host, port, database: acme.database, user: acme.broker.user },
    secret: 'acme-db-broker',
    issuer: 'postgres-role',
  };
  return siteAt({ server, acme, connection, doors: realDoors() });
}

function siteAt({ server, acme, connection, doors }: Base): Site {
  const admin = createPostgresAdmin({ reveal: async () => acme.broker.password }, doors);
  const inspector = createPostgresInspector(admin);
  const connector = createPostgresConnector(doors, admin);
  const issuer = postgresRoleIssuer(admin, doors);
  const clients = new Set<pg.Client>();
  let leases = 0;

  const site: Site = {
    server,
    acme,
    connection,
    doors,
    admin,
    inspector,
    connector,
    issuer,
    sql: (text, values = []) => server.query(text, values, acme.database),
    draft,
    async tool(name, sql, more = {}) {
      const drafted = draft(name, sql, more);
      return { ...drafted, ...(await inspector.derive(drafted, connection)) };
    },
    grant: (...tools) =>
      inspector.prepare(connection, tools, [
        { agent: AGENT, tools: tools.map(({ name }) => name) },
      ]),
    lease: (id = `lease_${++leases}`) => leaseOf(id, issuer, doors.clock.now()),
    async mint(id) {
      const lease = site.lease(id);
      const login = await issuer.mint({ lease, connection, run: RUN });
      if (login.kind !== 'login') throw new Error('expected a login');
      return { lease, login };
    },
    call: (tool, given, credential, more = {}) => ({
      ...{ actionId: 'act_1', runId: RUN.id, purpose: 'execute', tool, connection, credential },
      arguments: given,
      continuation: null,
      signal: new AbortController().signal,
      ...more,
    }),
    begin: (call) => connector.begin(call, NO_SINK),
    async done(call) {
      const flight = await site.begin(call);
      return { measured: seen(flight), result: await flight.finish() };
    },
    async previewed(call) {
      const flight = await site.begin({ ...call, purpose: 'preview' });
      await flight.cancel();
      return seen(flight);
    },
    async leaked({ user, password }, options = '') {
      const { host, port } = server;
      const { database } = acme;
      const client = new pg.Client({ host, port, database, user, password, options });
      client.on('error', () => {});
      clients.add(client);
      await client.connect();
      return client;
    },
    async stop() {
      await Promise.all([...clients].map((client) => client.end().catch(() => {})));
      await connector.close();
      await admin.close();
      await server.stop();
    },
  };
  return site;
}

function leaseOf(id: string, issuer: CredentialIssuer, now: number): Lease {
  return {
    id,
    runId: RUN.id,
    agent: AGENT,
    connection: 'acme-db',
    issuer: issuer.kind,
    handle: issuer.handleFor(id, RUN),
    revocability: issuer.revocability,
    state: 'minting',
    mintedAt: now,
    expiresAt: now + issuer.lifetimeMs,
  };
}

function seen(flight: Flight): Measured {
  if (flight.measured === null) throw new Error('expected a measured flight');
  return flight.measured;
}

function draft(name: string, sql: string, more: Partial<Tool> = {}): Tool {
  return {
    name,
    description: name,
    connection: 'acme-db',
    inputSchema: { properties: Object.fromEntries(namesIn(sql).map((input) => [input, {}])) },
    effect: 'read',
    reversibility: 'none',
    idempotent: false,
    recoveryPath: false,
    cap: CAP,
    maxResultBytes: 10_000,
    timeoutMs: 10_000,
    derivation: [],
    digest: digestOf('tool', { name, sql }),
    ...more,
    binding: { sql, ...more.binding },
  };
}

function namesIn(sql: string): string[] {
  const bare = sql.replace(/'[^']*'/g, '');
  return [...new Set([...bare.matchAll(/(?<![:\w]):([a-z_]+)/g)].map(([, name]) => name ?? ''))];
}
