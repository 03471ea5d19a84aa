import { request } from 'node:http';
import { KnownSecrets } from '../../../boundary/known-secrets.ts';
import type { Broker } from '../../../broker/broker.ts';
import { LocalGate } from '../../../broker/local-gate.ts';
import { Notices } from '../../../broker/notices.ts';
import { OpenStreams } from '../../../broker/open-streams.ts';
import { Overload } from '../../../broker/overload.ts';
import { NO_ALERTS } from '../../../domain/alert.ts';
import { type Bundle, EMPTY_BUNDLE, type Tool } from '../../../domain/bundle.ts';
import { NO_SINK, type Sink } from '../../../domain/connector.ts';
import { NO_CONSULTS } from '../../../domain/consult.ts';
import { NO_EFFECT } from '../../../domain/effect.ts';
import type { JsonObject } from '../../../domain/json.ts';
import type { Outcome, Proposal } from '../../../domain/proposal.ts';
import { realDoors } from '../../../doors.ts';
import { listen } from '../../http/listener.ts';
import type { Governed } from '../../runs/governed.ts';
import { createMcpSurface, type McpSurface } from '../endpoint.ts';

type Script = (proposal: Proposal, sink: Sink) => Promise<Omit<Outcome, 'actionId'>>;

/** The surface over a real listener, with an `act` that does what the test says: no judge, no store. */
export interface Stage {
  readonly url: string;
  readonly surface: McpSurface;
  readonly proposals: Proposal[];
  readonly notes: JsonObject[];
  /** From now on. */
  act(script: Script): void;
  apply(bundle: Bundle): void;
  /** A halt of this scope closes streams; how many. */
  halt(scope: string): number;
  /** The token stops working. */
  revoke(): void;
  speak(message: object, headers?: Record<string, string>): Promise<Heard>;
  modern(method: string, params?: JsonObject, more?: Told): Promise<Heard>;
  close(): Promise<void>;
}

interface Told {
  readonly capabilities?: JsonObject;
  readonly meta?: JsonObject;
  readonly headers?: Record<string, string>;
}

/** An answer as it comes in; `next` waits for one message more of a stream. */
export interface Heard {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  /** Every event as written, with its id. */
  readonly raw: string[];
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  next(): Promise<any>;
  hangUp(): void;
}

export const done = (wire: object): Omit<Outcome, 'actionId'> =>
  ({
    kind: 'done',
    result: { text: '', cut: [], wire: JSON.stringify(wire).slice(1, -1) },
  }) as never;

function storeOf(claims: Set<string>, notes: JsonObject[]): object {
  return {
    alone: false,
    run: async () => ({ id: 'run_1', agent: 'coder', actsFor: [], state: 'live' }),
    haltState: async () => ({ stamp: { halt: 0, bundle: '' }, halts: [] }),
    isTaken: async (claim: string) => claims.has(claim),
    commit: async (op: { kind: string; claim: string; body: JsonObject }) => {
      if (op.kind !== 'claim.take') return void notes.push(op.body);
      const ok = !claims.has(op.claim);
      claims.add(op.claim);
      return { ok };
    },
  };
}

/** `shared`: what replicas have in common. */
export async function startStage(
  bundle: Bundle = bundleOf(),
  shared = { claims: new Set<string>(), stateKey: realDoors().entropy.bytes(32) },
): Promise<Stage> {
  const doors = realDoors();
  const proposals: Proposal[] = [];
  const notes: JsonObject[] = [];
  let script: Script = async () => done({ content: [] });
  let active = bundle;
  let revoked = false;
  const broker = {
    doors,
    notices: new Notices(doors.timers),
    withhold: new KnownSecrets(),
    consults: NO_CONSULTS,
    freshness: { isFresh: true },
    streams: new OpenStreams(),
    local: new LocalGate(),
    alerts: NO_ALERTS,
    bundles: { active: async () => active, get: async () => active },
    store: storeOf(shared.claims, notes),
  } as unknown as Broker;
  const governed: Governed = {
    broker,
    async act(_broker, proposal, sink = NO_SINK) {
      proposals.push(proposal);
      return { ...(await script(proposal, sink)), actionId: 'act_1' } as Outcome;
    },
    beginRun: () => Promise.reject(new Error('no runs here')),
    beginSubRun: () => Promise.reject(new Error('no runs here')),
    say: () => Promise.reject(new Error('no runs here')),
    reportUsage: async () => null,
    endRun: async () => undefined,
  };
  const overload = new Overload(broker.store, doors, 'mcp');
  const surface = createMcpSurface({
    overloaded: () => overload.refused(),
    governed,
    callers: {
      authenticate: async (authorization) => {
        if (revoked) throw new Error('revoked');
        const runId = authorization === 'Bearer two' ? 'run_2' : 'run_1';
        return { kind: 'run', runId, tokenHash: authorization ?? 'none' };
      },
      issue: () => Promise.reject(new Error('no tokens here')),
      renew: () => Promise.reject(new Error('no tokens here')),
    },
    version: '0',
    stateKey: shared.stateKey,
    log: () => undefined,
    hold: { modernMs: 20, legacyMs: 20 },
  });
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    routes: surface.routes,
    origins: 'none',
    maxBodyBytes: 1_048_576,
    doors,
    log: () => undefined,
  });
  const url = `${listener.url}/mcp`;
  return {
    url,
    ...voices(url),
    surface,
    proposals,
    notes,
    act: (next) => {
      script = next;
    },
    apply: (next) => {
      active = next;
      broker.notices.notify('bundle');
    },
    halt: (scope) => broker.streams.end(scope),
    revoke: () => {
      revoked = true;
    },
    async close() {
      await surface.close();
      await listener.close(0);
    },
  };
}

function voices(url: string): Pick<Stage, 'speak' | 'modern'> {
  let id = 0;
  const speak: Stage['speak'] = (message, headers = {}) =>
    send(url, 'POST', JSON.stringify(message), headers);
  return {
    speak,
    modern(method, params = {}, { capabilities = {}, meta = {}, headers = {} } = {}) {
      const name = params.name ?? params.uri;
      const _meta = {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': capabilities,
        ...meta,
      };
      return speak(
        { jsonrpc: '2.0', id: ++id, method, params: { ...params, _meta } },
        {
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
          ...headers,
        },
      );
    },
  };
}

export function send(
  url: string,
  method: string,
  body: string | null,
  headers: Record<string, string> = {},
): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      agent: false,
      headers: {
        authorization: 'Bearer one',
        accept: 'application/json, text/event-stream',
        ...(body === null ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const messages: unknown[] = [];
      const raw: string[] = [];
      let wake: () => void = () => undefined;
      let over = false;
      let rest = '';
      const isStream = response.headers['content-type'] === 'text/event-stream';
      response.setEncoding('utf8').on('data', (text: string) => {
        rest += text;
        const events = isStream ? rest.split('\n\n') : [];
        if (isStream) rest = events.pop() ?? '';
        for (const event of events) {
          raw.push(event);
          const data = /^data: (.+)$/m.exec(event)?.[1];
          if (data !== undefined) messages.push(JSON.parse(data));
        }
        wake();
      });
      const end = (): void => {
        if (!over && !isStream && rest !== '') messages.push(JSON.parse(rest));
        over = true;
        wake();
      };
      response.on('end', end).on('close', end).on('error', end);
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        raw,
        async next() {
          while (messages.length === 0 && !over)
            await new Promise<void>((go) => {
              wake = go;
            });
          return messages.shift() ?? null;
        },
        hangUp: () => void response.destroy(),
      });
    });
    outgoing.end(body ?? undefined);
  });
}

export function bundleOf(more: Partial<Bundle> = {}, digest = 'd'.repeat(64)): Bundle {
  const connection = (name: string, toolPrefix: string) => ({
    name,
    kind: 'mcp',
    environment: 'development',
    settings: { toolPrefix },
  });
  const tools = [
    tool('echo', 'files', {
      inputSchema: {
        type: 'object',
        properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
      },
      listing: { title: 'Echo', annotations: { destructiveHint: true, readOnlyHint: true } },
      binding: { mcp: 'tools/call', name: 'echo', headers: { '/region': 'Mcp-Param-Region' } },
    }),
    tool('plain', 'files', {}),
    tool('write', 'files', { effect: 'write' }),
    tool('files/resources', 'files', { offers: 'resources' }),
    tool('notes/resources', 'notes', { offers: 'resources' }),
    tool('notes/prompts', 'notes', {
      offers: 'prompts',
      listing: { prompts: [{ name: 'greet', arguments: [{ name: 'who' }] }, { name: 'bye' }] },
    }),
    tool('secret/resources', 'notes', { offers: 'resources' }),
  ];
  return {
    ...EMPTY_BUNDLE,
    digest,
    connections: { files: connection('files', ''), notes: connection('notes', 'notes_') },
    agents: { coder: { name: 'coder', owner: 'dana@acme.example' } },
    tools: Object.fromEntries(tools.map((each) => [each.name, each])),
    grants: tools
      .filter(({ name }) => !name.startsWith('secret'))
      .map(({ name }) => ({ agent: 'coder', tool: name, rung: 'read' as const })),
    ...more,
  };
}

function tool(name: string, connection: string, more: Partial<Tool>): Tool {
  return {
    name,
    description: name,
    connection,
    inputSchema: { type: 'object' },
    effect: 'read',
    reversibility: 'none',
    idempotent: true,
    recoveryPath: false,
    cap: NO_EFFECT,
    maxResultBytes: 65_536,
    timeoutMs: 1_000,
    binding: { mcp: 'tools/call' },
    derivation: [],
    digest: name,
    ...more,
  };
}
