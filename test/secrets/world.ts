/** Everything that holds a secret, started for real, with a secret of its own in each place. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../../examples/acme/postgres.ts';
import { createAcme } from '../../examples/acme/schema.ts';
import { openAuthority } from '../../src/credentials/oauth/testing/authority.ts';
import { startGitHub } from '../../src/credentials/testing/github.ts';
import { ROLE_ID, SECRET_ID, startVault } from '../../src/credentials/vault/testing/vault.ts';
import { claimOperator, type Operator } from '../crash/operator.ts';
import { type EchoTarget, startTarget } from './target.ts';

/** Readable in a report, unguessable, and with characters that every encoding writes differently. */
const canary = (name: string): string =>
  `canary/${name}+${randomBytes(9).toString('base64url')}=9<f`;

/** For places that take no such characters. */
const plainCanary = (name: string): string => `Canary-${name}-${randomBytes(9).toString('hex')}`;

export interface World {
  readonly agentsUrl: string;
  readonly operatorsUrl: string;
  readonly directory: string;
  /** Of the gateway alone: what it leaves in temporary files is there. */
  readonly temporary: string;
  readonly gateway: ChildProcess;
  readonly operator: Operator;
  readonly target: EchoTarget;
  /** What the gateway wrote to its two streams. */
  readonly streams: { out: string; err: string };
  /** Secrets by the place where they were planted. */
  readonly planted: Map<string, string>;
  /** What a run holds at a connection, asked of the gateway over a channel that leads nowhere else. */
  held(runId: string, connection: string): Promise<string>;
  /** Tokens that issuers gave by now. */
  issued(): ReadonlyMap<string, string>;
  end(how: 'crash' | 'well'): Promise<void>;
  close(): Promise<void>;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

interface Targets {
  readonly postgres: Awaited<ReturnType<typeof startPostgres>>;
  readonly acme: Awaited<ReturnType<typeof createAcme>>;
  readonly target: EchoTarget;
  readonly authority: Awaited<ReturnType<typeof openAuthority>>;
  readonly github: Awaited<ReturnType<typeof startGitHub>>;
  readonly vault: Awaited<ReturnType<typeof startVault>>;
}

async function openTargets(): Promise<Targets> {
  const postgres = await startPostgres({ durable: false });
  const acme = await createAcme(postgres);
  const [target, authority, github, vault] = await Promise.all([
    startTarget(),
    openAuthority({ expiresIn: 3_600 }),
    startGitHub(),
    startVault(),
  ]);
  return { postgres, acme, target, authority, github, vault };
}

/** A secret of its own in each place, by the name that a report has for it. */
async function plant({ postgres, acme, github, vault }: Targets): Promise<Map<string, string>> {
  const kv = plainCanary('vault-value');
  vault.kv.set('secret/apps/status', { token: kv });
  const api = plainCanary('api');
  const row = canary('row');
  await postgres.query(
    `CREATE TABLE leaks (id integer PRIMARY KEY, body text NOT NULL, note text);
     INSERT INTO leaks VALUES (1, ${literal(row)}, ''), (2, ${literal(acme.broker.password)}, ''),
       (3, ${literal(api)}, '');
     ALTER TABLE leaks OWNER TO "${acme.broker.user}"`,
    [],
    acme.database,
  );
  return new Map([
    ['broker login', acme.broker.password],
    ['fixed secret of an API', api],
    ['environment of a child', canary('child')],
    ['webhook secret', canary('hook')],
    ['OAuth client secret', canary('client')],
    ['Vault secret id', SECRET_ID],
    ['Vault value', kv],
    ['stored secret in a row of a database', row],
    ['GitHub App key', github.privateKey],
  ]);
}

/** By their names in the configuration. */
const STORED: { readonly [name: string]: string } = {
  'acme-broker': 'broker login',
  'api-token': 'fixed secret of an API',
  'child-key': 'environment of a child',
  'hook-secret': 'webhook secret',
  'oauth-client': 'OAuth client secret',
  'vault-secret-id': 'Vault secret id',
  'github-key': 'GitHub App key',
  'only-stored': 'stored secret in a row of a database',
};

function startGateway(directory: string, temporary: string) {
  const streams = { out: '', err: '' };
  const gateway = spawn(process.execPath, [here('gateway.ts'), directory], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env.PATH ?? '', TMPDIR: temporary, HOME: temporary },
  });
  gateway.stdout?.on('data', (chunk) => {
    streams.out += String(chunk);
  });
  gateway.stderr?.on('data', (chunk) => {
    streams.err += String(chunk);
  });
  return { gateway, streams };
}

export async function openWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-secrets-'));
  const [directory, temporary] = [join(folder, 'data'), join(folder, 'tmp')];
  await mkdir(temporary);
  const targets = await openTargets();
  const { postgres, acme, target, authority, github, vault } = targets;
  const planted = await plant(targets);
  const { gateway, streams } = startGateway(directory, temporary);
  const exited = once(gateway, 'exit');
  const [ready] = (await once(gateway, 'message')) as [{ [name: string]: string }];
  const { agentsUrl = '', operatorsUrl = '', setupCode = '' } = ready;
  const operator = await claimOperator(operatorsUrl, setupCode);
  for (const [name, place] of Object.entries(STORED))
    await operator.secret(operatorsUrl, name, planted.get(place) ?? '');
  planted.set('setup code', setupCode);
  planted.set('operator key', operator.key);
  planted.set('master key', (await readFile(join(directory, 'master.key'), 'utf8')).trim());
  const config = configOf({
    ...{ target: target.url, authority: authority.origin, github: github.url, vault: vault.url },
    ...{
      host: postgres.host,
      port: postgres.port,
      database: acme.database,
      user: acme.broker.user,
    },
    child: JSON.stringify([process.execPath, here('child.ts')]),
  });
  await operator.planAndApply(operatorsUrl, config, ['child']);
  return {
    ...{
      agentsUrl,
      operatorsUrl,
      directory,
      temporary,
      gateway,
      operator,
      target,
      streams,
      planted,
    },
    async held(runId, connection) {
      const answer = once(gateway, 'message');
      gateway.send({ run: runId, connection });
      const [{ value }] = (await answer) as [{ value: string }];
      return value;
    },
    issued: () => issuedBy(targets),
    async end(how) {
      gateway.send({ end: how });
      await exited;
    },
    async close() {
      if (gateway.exitCode === null && gateway.signalCode === null) gateway.kill('SIGKILL');
      await exited;
      await Promise.all([target.close(), authority.close(), github.close(), vault.close()]);
      await postgres.stop('immediate');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function issuedBy({ authority, github, vault }: Targets): ReadonlyMap<string, string> {
  const named = (what: string, tokens: Iterable<string>) =>
    [...tokens].map((token, at) => [`${what} ${at + 1}`, token] as const);
  // an operator's own token at the vault was never given to Signalbox
  const ofVault = [...vault.tokens.keys()].filter((token) => token !== vault.root);
  return new Map([
    ...named('OAuth token', authority.live.keys()),
    ...named('GitHub token', github.live.keys()),
    ...named('Vault token', ofVault),
  ]);
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function configOf(at: { readonly [name: string]: string | number }): string {
  const echo = (name: string, way: string): string => `
  ${name}_${way}:
    connection: ${name}
    description: ${way}
    input: { form: { type: string, pattern: "^[a-zA-Z0-9]+$" } }
    http: { method: GET, path: "/${way}/{form}" }`;
  const ways = ['echo', 'text', 'fail', 'refuse', 'moved', 'crash'];
  const apis = ['api', 'billing', 'github', 'status'];
  return `
version: 1
organisation: { name: secrets, domains: [] }
loops: off
connections:
  api: { kind: http, url: "${at.target}", allowPrivate: true, secret: api-token }
  billing:
    kind: http
    url: "${at.target}"
    allowPrivate: true
    oauth: { issuer: "${at.authority}", resource: "${at.authority}/", clientId: signalbox, clientSecret: oauth-client }
  github:
    kind: http
    url: "${at.github}"
    allowPrivate: true
    githubApp: { appId: "4711", installation: "99", privateKey: github-key, permissions: { contents: read } }
  status:
    kind: http
    url: "${at.target}"
    allowPrivate: true
    vault: { server: main, path: apps/status, field: token }
  child:
    kind: mcp
    command: ${at.child}
    secrets: { CHILD_KEY: child-key }
    serve: { tools: { '*': read }, resources: true, prompts: true }
  db: { kind: postgres, host: "${at.host}", port: ${at.port}, database: ${at.database}, user: ${at.user}, secret: acme-broker }
vaults:
  main: { url: "${at.vault}", allowPrivate: true, auth: { method: approle, roleId: ${ROLE_ID}, secret: vault-secret-id } }
alerts:
  hook: { url: "${at.target}/hook", secret: hook-secret, allowPrivate: true }
tools:${apis.flatMap((api) => ways.map((way) => echo(api, way))).join('')}
  read_leak: { connection: db, description: read, sql: "select body from leaks where id = :id", input: { id: { type: integer } } }
  cast_leak: { connection: db, description: cast, sql: "select cast(body as integer) as n from leaks where id = :id", input: { id: { type: integer } } }
  note_leak:
    connection: db
    description: note
    sql: "update leaks set note = :note where id = :id"
    input: { id: { type: integer }, note: { type: string } }
    cap: { rowsWritten: 5 }
agents: { ann: { owner: dana@acme.example } }
grants:
  - { agent: ann, tools: [${apis.map((api) => `'${api}_*'`).join(', ')}, 'child_*', child/resources, read_leak, cast_leak], rung: read }
  - { agent: ann, tools: [note_leak], rung: approve }
`;
}
