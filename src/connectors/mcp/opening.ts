import type { JsonObject } from '../../domain/json.ts';
import {
  type Era,
  eraOfError,
  initializeMembers,
  readDiscovery,
  readInitialized,
} from '../../protocols/mcp/upstream-open.ts';
import type { ClientIdentity } from '../../protocols/mcp/upstream-request.ts';
import { type HttpParts, HttpSession } from './http-session.ts';
import type { StdioSession } from './stdio-session.ts';
import { type Ask, type Reply, type ServerSelf, type Session, WireFault } from './wire.ts';

/**
 * Which era a server speaks, found out once:
 *   unknown → modern    `server/discover` is answered, or refused as only modern servers do
 *   unknown → legacy    it is refused in any other way the protocol knows; then `initialize`
 *   unknown → unknown   401, 403, 5xx, timeouts over HTTP and lost connections say nothing of it
 * A child that ends at the question, or says nothing, is asked no more: another one is started for `initialize`.
 */
export type Wanted = 'auto' | Era;

const HTTP_MS = 10_000;
const CHILD_MS = 15_000;
const INITIALIZE_MS = 30_000;
const MAX_BYTES = 256 * 1024;

export interface Opening {
  readonly wanted: Wanted;
  /** What an older server is told that its caller can be asked. */
  readonly capabilities: JsonObject;
  readonly client: ClientIdentity;
}

/** Throws WireFault. */
export async function openHttp(parts: HttpParts, opening: Opening): Promise<HttpSession> {
  if (opening.wanted !== 'legacy') {
    const session = new HttpSession(parts, 'modern', null);
    const found = await probe(session, parts.place, HTTP_MS);
    if (found.era === 'modern') {
      session.server = found.self ?? session.server;
      return session;
    }
    if (opening.wanted === 'modern') throw notModern(parts.place);
  }
  const session = new HttpSession(parts, 'legacy', null);
  session.naming();
  const { version, self } = await initialize(session, parts.place, opening);
  session.negotiated(version, self);
  await session.notify('notifications/initialized', '');
  return session;
}

/** Throws WireFault. `start` makes a session with a new child. */
export async function openChild(
  start: () => StdioSession,
  place: string,
  opening: Opening,
): Promise<StdioSession> {
  let session = start();
  try {
    if (opening.wanted !== 'legacy') {
      const found = await probeChild(session, place, opening.wanted);
      if (found?.era === 'modern') {
        session.negotiated('modern', found.self ?? session.server);
        return session;
      }
      if (opening.wanted === 'modern') throw notModern(place);
      if (found === null) {
        void session.close();
        session = start();
      }
    }
    session.era = 'legacy';
    const { self } = await initialize(session, place, opening);
    session.negotiated('legacy', self);
    session.notify('notifications/initialized', '');
    return session;
  } catch (error) {
    void session.close();
    throw error;
  }
}

interface Found {
  readonly era: Era;
  readonly self: ServerSelf | null;
}

/** Null: the child is of no use any more, and its silence or end says that it is an older one. */
async function probeChild(
  session: StdioSession,
  place: string,
  wanted: Wanted,
): Promise<Found | null> {
  try {
    return await probe(session, place, CHILD_MS);
  } catch (error) {
    if (wanted !== 'auto' || !(error instanceof WireFault)) throw error;
    const silent = error.code === 'CONNECTOR_TIMEOUT';
    if (silent || (session.over && session.wasAlive)) return null;
    throw error;
  }
}

/** A modern server that refuses the question once (it lists the version that was used) is asked again. */
async function probe(session: Session, place: string, timeoutMs: number): Promise<Found> {
  const found = await probeOnce(session, place, timeoutMs);
  if (found.era === 'legacy' || found.self !== null) return found;
  const second = await probeOnce(session, place, timeoutMs);
  if (second.era === 'modern' && second.self === null) throw notSpoken(place);
  return second;
}

async function probeOnce(session: Session, place: string, timeoutMs: number): Promise<Found> {
  let reply: Reply;
  try {
    reply = await session.request(plainAsk('server/discover', '', timeoutMs));
  } catch (error) {
    if (error instanceof WireFault && isRefusal(error.status)) return { era: 'legacy', self: null };
    throw error;
  }
  if (reply.error !== undefined) {
    const era = eraOfError(reply.error);
    if (era === null) throw notSpoken(place);
    return { era, self: null };
  }
  const { era, self } = readDiscovery(reply.result);
  if (era === null) throw notSpoken(place);
  return { era, self };
}

/** A status that a server gives to a request which it does not know. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && ![401, 403, 408, 425, 429, 499].includes(status);
}

async function initialize(
  session: Session,
  place: string,
  { client, capabilities }: Opening,
): Promise<{ version: string; self: ServerSelf }> {
  const members = initializeMembers(client, capabilities);
  const reply = await session.request(plainAsk('initialize', members, INITIALIZE_MS));
  if (reply.error !== undefined)
    throw new WireFault(
      'CONNECTOR_REFUSED',
      `\`${place}\` refused to open a session: ${reply.error.message.slice(0, 200)}`,
      false,
    );
  const { version, self } = readInitialized(reply.result);
  if (version === null) throw notSpoken(place);
  return { version, self };
}

/** A request of our own, on nobody's behalf. */
export function plainAsk(method: string, members: string, timeoutMs: number): Ask {
  return {
    method,
    members,
    name: null,
    paramHeaders: null,
    timeoutMs,
    maxBytes: MAX_BYTES,
    signal: null,
    ear: null,
  };
}

function notSpoken(place: string): WireFault {
  const words = `\`${place}\` speaks no version of MCP that is spoken here`;
  return new WireFault('CONNECTOR_REFUSED', words, false);
}

function notModern(place: string): WireFault {
  const words = `\`${place}\` is pinned to the modern protocol and does not speak it`;
  return new WireFault('CONNECTOR_REFUSED', words, false);
}
