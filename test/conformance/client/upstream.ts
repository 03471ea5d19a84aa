/** Signalbox's own upstream side, wired as in the product: connector, inspector, OAuth client, leases, a planned file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/load.ts';
import { planBundle } from '../../../src/config/plan.ts';
import { createMcpConnector } from '../../../src/connectors/mcp/connector.ts';
import { createMcpInspector } from '../../../src/connectors/mcp/inspector.ts';
import { Leases } from '../../../src/credentials/leases.ts';
import { createUpstreamOAuth } from '../../../src/credentials/oauth/upstream.ts';
import { createReveal } from '../../../src/credentials/reveal.ts';
import { createSecrets } from '../../../src/credentials/secrets.ts';
import { staticSecretIssuer } from '../../../src/credentials/static-secret.ts';
import { type Bundle, type Connection, EMPTY_BUNDLE } from '../../../src/domain/bundle.ts';
import type { Sink } from '../../../src/domain/connector.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import type { Continuation, ToolResult } from '../../../src/domain/proposal.ts';
import type { Run } from '../../../src/domain/run.ts';
import { realDoors } from '../../../src/doors.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';

export const CONNECTION = 'upstream';
const REDIRECT = 'http://127.0.0.1:4811/oauth/callback';
const OWNER = 'conformance';

export interface Wanted {
  readonly url: string;
  readonly oauth: JsonObject | null;
  readonly secrets: { readonly [name: string]: string };
  /** Serve its resources and prompts too: a file that names what a server lacks is refused. */
  readonly offers: boolean;
  readonly protocol: 'auto' | 'legacy';
}

export interface Upstream {
  /** Reads the catalogue as `signalbox plan` does. */
  plan(): Promise<Bundle>;
  /** One action, as `act()` has the connector do it. */
  call(
    bundle: Bundle,
    tool: string,
    input: JsonObject,
    sink: Sink,
    continuation?: Continuation,
  ): Promise<ToolResult>;
  /** What an owner does with `signalbox connection authorize` and a browser. */
  authorize(): Promise<void>;
  /** The server takes our tokens, as far as is known. */
  isContent(): Promise<boolean>;
  close(): Promise<void>;
}

export async function openUpstream(wanted: Wanted): Promise<Upstream> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-client-'));
  const doors = realDoors();
  const masterKey = doors.entropy.bytes(32);
  const store = await openSqliteStore({ directory, masterKey, doors });
  const secrets = createSecrets({ store, masterKey, doors });
  for (const [name, value] of Object.entries(wanted.secrets)) await secrets.put(name, value, OWNER);
  const oauth = createUpstreamOAuth({ secrets, store, doors });
  const challenged = (connection: Connection, challenge: Parameters<typeof oauth.challenged>[1]) =>
    void oauth.challenged(connection, challenge);
  const connector = createMcpConnector(doors, { challenged });
  const reveal = createReveal(secrets, oauth);
  const inspector = createMcpInspector(doors, { reveal, challenged });
  const config = withOAuth(loadConfig(fileOf(wanted), 'signalbox.yaml'), wanted.oauth);
  const connection = config.connections[CONNECTION] as Connection;
  const issuers = [staticSecretIssuer(secrets), oauth.issuer];
  const current = async (): Promise<Connection> => connection;
  const leases = new Leases({ store, issuers, connection: current, doors, log: () => {} });
  const run = runOf(doors.clock.now());
  await store.commit({ kind: 'run.begin', run, at: run.startedAt });
  const inspectors = new Map([[inspector.kind, inspector]]);
  return {
    async plan() {
      const active = EMPTY_BUNDLE;
      return (await planBundle(config, { active, inspectors, inspect: 'all' })).bundle;
    },
    async call(bundle, name, input, sink, continuation) {
      const tool = bundle.tools[name];
      if (tool === undefined) throw new Error(`the file serves no tool ${name}`);
      const flight = await connector.begin(
        {
          ...{ actionId: doors.entropy.id('act'), runId: run.id, tool, connection },
          ...{ arguments: input, continuation: continuation ?? null, purpose: 'execute' },
          credential: await leases.obtain(run, connection),
          signal: new AbortController().signal,
        },
        sink,
      );
      return flight.finish();
    },
    async authorize() {
      const opening = await oauth.authorize(connection, REDIRECT, OWNER);
      if (opening !== null) await oauth.complete(await browse(opening.url));
    },
    async isContent() {
      const standing = await oauth.standing(connection);
      return standing?.state === 'authorized' && standing.wanted.length === 0;
    },
    async close() {
      leases.close();
      await Promise.all([connector.close(), oauth.close()]);
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A human with a browser, who agrees: the page of the authorization server sends them straight back. */
async function browse(url: string): Promise<URLSearchParams> {
  const answer = await fetch(url, { redirect: 'manual' });
  const location = answer.headers.get('location');
  if (location === null) throw new Error(`the browser was sent nowhere (${answer.status})`);
  return new URL(location, url).searchParams;
}

function fileOf({ url, oauth, offers, protocol }: Wanted): string {
  const { grant: _, ...settings } = oauth ?? {};
  return JSON.stringify({
    version: 1,
    organisation: { name: 'conformance', domains: [] },
    connections: {
      [CONNECTION]: {
        kind: 'mcp',
        environment: 'conformance',
        url,
        allowPrivate: true,
        ...(oauth === null ? {} : { oauth: settings }),
        toolPrefix: '',
        protocol,
        serve: { tools: { '*': 'read' }, resources: offers, prompts: offers },
      },
    },
  });
}

/** The grant without human has no place in the file yet. */
function withOAuth(
  config: ReturnType<typeof loadConfig>,
  oauth: JsonObject | null,
): ReturnType<typeof loadConfig> {
  const connection = config.connections[CONNECTION] as Connection;
  if (oauth === null) return config;
  const settings = { ...connection.settings, oauth };
  return { ...config, connections: { [CONNECTION]: { ...connection, settings } } };
}

function runOf(at: number): Run {
  const id = 'run_conformance';
  return {
    ...{ id, root: id, parent: null, depth: 0, agent: 'coder', intent: 'conformance' },
    ...{ state: 'live', startedAt: at, expiresAt: at + 3_600_000, endedAt: null, budget: {} },
    ...{ tools: null, actsFor: [] },
  };
}
