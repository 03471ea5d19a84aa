import { isIP } from 'node:net';
import { addressKind } from '../../boundary/addresses.ts';
import type { Resolve } from '../../boundary/egress.ts';
import type { Connection, Tool } from '../../domain/bundle.ts';
import {
  type Call,
  type Change,
  type Connector,
  ConnectorFailure,
  type Flight,
  type Sink,
} from '../../domain/connector.ts';
import type { Doors } from '../../domain/doors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { askable } from '../../protocols/mcp/upstream-request.ts';
import { type Spawn, systemSpawn } from './child.ts';
import { Deadlines } from './deadlines.ts';
import { NO_HOME } from './environment.ts';
import { nothingSent } from './failures.ts';
import { Feed } from './feed.ts';
import { checkPinned, isPinned, McpFlight, type Passage } from './flight.ts';
import type { Caller } from './peer.ts';
import { type Plan, planOf } from './plan.ts';
import type { Challenge, Site } from './site.ts';
import { Sites } from './sites.ts';

export type { Challenge } from './site.ts';

export interface McpOptions {
  /** Told on every 401 or 403 with a `Bearer` challenge, before the call fails with `CREDENTIAL_REFUSED`. */
  readonly challenged?: (connection: Connection, challenge: Challenge) => void;
  readonly resolve?: Resolve;
  readonly spawn?: Spawn;
  /** `HOME` of children. */
  readonly home?: string;
  /** Our version, told to servers. */
  readonly version?: string;
}

/** Calls in the air on one connection; more are refused. */
const MAX_BUSY = 1_024;
const NOTHING: JsonObject = {};

/** Calls tools, resources and prompts of MCP servers of both eras, over HTTP or as children. Never repeats a call. */
export function createMcpConnector(
  doors: Doors,
  options: McpOptions & { readonly feed?: (change: Change) => void } = {},
): Connector {
  const sites = openSites(doors, options, true);
  const plans = new WeakMap<Tool, Plan>();
  const planFor = (tool: Tool): Plan => {
    const known = plans.get(tool);
    if (known !== undefined) return known;
    const plan = planOf(tool);
    plans.set(tool, plan);
    return plan;
  };
  return {
    kind: 'mcp',
    async begin(call: Call, sink: Sink): Promise<Flight> {
      const site = sites.of(call.connection);
      checkLoad(site);
      const plan = planFor(call.tool);
      const whole = plan.whole(call.arguments, call.key ?? call.actionId);
      const request = plan.request(call.connection, whole, call.continuation);
      checkBytes(call, request.members);
      const caller = callerOf(call, sink);
      const peer = site.peerOf(call.credential);
      const passage: Passage = {
        call,
        site,
        peer,
        caller,
        plan,
        whole,
        request,
        sink: isSilent(sink) ? null : sink,
      };
      const known = peer.open(caller);
      if (known !== null && isPinned(known, request)) return new McpFlight(passage, known);
      return await slowly(passage);
    },
    /** Only the server knows, and MCP has no question for it. */
    async probe({ tool }) {
      return tool.effect === 'read' ? 'failed' : 'unknown';
    },
    async release(runId) {
      sites.release(runId);
    },
    cut: (scope, runs) => sites.cut(scope, runs),
    children: (scope, runs) => sites.children(scope, runs),
    close: () => sites.close(),
  };
}

export function openSites(
  doors: Doors,
  options: McpOptions & { readonly feed?: (change: Change) => void },
  listens: boolean,
): Sites {
  const { clock, timers } = doors;
  return new Sites({
    clock,
    timers,
    deadlines: new Deadlines(clock, timers),
    client: { name: 'signalbox', version: options.version ?? '0' },
    feed: new Feed(options.feed ?? (() => {}), timers),
    listens,
    resolve: options.resolve,
    spawn: options.spawn ?? systemSpawn,
    home: options.home ?? NO_HOME,
    mark: () => doors.entropy.id('child'),
    challenged: options.challenged ?? (() => {}),
  });
}

/** A session has to be opened, or its definitions read. Nothing of the call is sent meanwhile. */
async function slowly(passage: Passage): Promise<Flight> {
  const { peer, caller, request, call } = passage;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () =>
    aborted.reject(
      new ConnectorFailure('CONNECTOR_ABORTED', 'the call was aborted before it was sent', 'none'),
    );
  if (call.signal.aborted) onAbort();
  call.signal.addEventListener('abort', onAbort);
  const ready = async () => {
    const channel = await peer.channel(caller);
    await checkPinned(channel, request);
    return new McpFlight(passage, channel);
  };
  try {
    return await Promise.race([ready(), aborted.promise]);
  } catch (error) {
    throw nothingSent(error);
  } finally {
    call.signal.removeEventListener('abort', onAbort);
    aborted.promise.catch(() => {});
  }
}

function checkLoad(site: Site): void {
  const { name } = site.connection;
  if (site.busy >= MAX_BUSY)
    throw new ConnectorFailure(
      'OVERLOADED',
      `${MAX_BUSY} calls to \`${name}\` are under way`,
      'none',
    );
  const wait = site.breaker.wait();
  if (wait > 0)
    throw new ConnectorFailure(
      'CONNECTOR_UNREACHABLE',
      `\`${name}\` failed several times; it is tried again in ${Math.ceil(wait)} ms`,
      'none',
    );
}

/** What an agent sends to somebody else's host has left the organisation, and is capped. */
function checkBytes({ connection, tool }: Call, members: string): void {
  if (!isOutward(connection)) return;
  const bytes = Buffer.byteLength(members);
  const { bytesOut } = tool.cap;
  if (bytes <= bytesOut) return;
  throw new ConnectorFailure(
    'CONNECTOR_REFUSED',
    `the request would send ${bytes} bytes out of the organisation, at most ${bytesOut}`,
    'none',
  );
}

const outward = new WeakMap<Connection, boolean>();

function isOutward(connection: Connection): boolean {
  const known = outward.get(connection);
  if (known !== undefined) return known;
  const { transport, inside, allowPrivate, url } = connection.settings;
  let leaves = transport !== 'stdio' && inside !== true;
  if (leaves) {
    const host = new URL(String(url)).hostname.replace(/^\[(.*)\]$/, '$1');
    leaves = isIP(host) === 0 ? allowPrivate !== true : addressKind(host) !== 'private';
  }
  outward.set(connection, leaves);
  return leaves;
}

function callerOf({ runId }: Call, sink: Sink): Caller {
  const capabilities = askable(sink.capabilities);
  const alone = capabilities !== NOTHING && Object.keys(capabilities).length > 0;
  return { runId, capabilities, alone: alone || sink.logLevel !== null };
}

/** Nothing that a server says on the way would reach anybody. */
function isSilent({ capabilities, progress, logLevel }: Sink): boolean {
  if (progress || logLevel !== null) return false;
  for (const _ in capabilities) return false;
  return true;
}
