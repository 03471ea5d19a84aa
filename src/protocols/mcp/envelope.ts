import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { ProtocolFault, unsupportedVersion } from './faults.ts';
import { isLogLevel } from './log-level.ts';
import type { Id, Request } from './message.ts';
import { decodeHeader, NAMED } from './mirror.ts';
import { isLegacyVersion, MODERN_VERSION, UNNAMED_VERSION } from './versions.ts';

/** The HTTP headers that mirror a message. */
export interface Mirrors {
  readonly version: string | undefined;
  readonly method: string | undefined;
  readonly name: string | undefined;
}

/** How a request is to be understood, read from itself alone. */
export interface Envelope {
  readonly era: 'modern' | 'legacy';
  readonly version: string;
  readonly capabilities: JsonObject;
  /** Self-reported: for grouping and display, never for a decision. */
  readonly client: string | null;
  readonly progressToken: Id | null;
  readonly traceparent: string | null;
  /** The least severe log line the client wants; null: none. */
  readonly logLevel: string | null;
}

/** What a legacy client agreed on before, where it has a session. */
export type Agreed = Pick<Envelope, 'version' | 'capabilities' | 'client' | 'logLevel'>;

const PREFIX = 'io.modelcontextprotocol/';
export const VERSION_KEY = `${PREFIX}protocolVersion`;
const CAPABILITIES_KEY = `${PREFIX}clientCapabilities`;
const CLIENT_KEY = `${PREFIX}clientInfo`;
const LEVEL_KEY = `${PREFIX}logLevel`;
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const NO_META: JsonObject = {};

/**
 * Decides the era of a request: modern when its `_meta` names a protocol version, else legacy. Headers only
 * cross-check. Throws ProtocolFault: -32602 for a broken envelope, -32022 for a version not spoken, -32020 when
 * headers and body disagree.
 */
export function readEnvelope(
  request: Request,
  mirrors: Mirrors,
  agreed: Agreed | null = null,
): Envelope {
  const meta = metaOf(request);
  return Object.hasOwn(meta, VERSION_KEY)
    ? modern(request, meta, mirrors)
    : legacy(request, meta, mirrors, agreed);
}

function modern(request: Request, meta: JsonObject, mirrors: Mirrors): Envelope {
  const version = meta[VERSION_KEY];
  const capabilities = meta[CAPABILITIES_KEY];
  if (typeof version !== 'string')
    throw new ProtocolFault('envelope', `expected \`_meta["${VERSION_KEY}"]\` to be a text`);
  if (!isJsonObject(capabilities))
    throw new ProtocolFault(
      'envelope',
      `expected \`_meta["${CAPABILITIES_KEY}"]\` to be an object`,
    );
  if (mirrors.version !== undefined && mirrors.version !== version)
    throw mismatch('MCP-Protocol-Version', mirrors.version, version);
  if (version !== MODERN_VERSION) throw unsupportedVersion(version);
  if (mirrors.version === undefined) throw missing('MCP-Protocol-Version');
  checkMirrors(request, mirrors);
  const { progressToken, traceparent } = meta;
  return {
    era: 'modern',
    version,
    capabilities,
    client: clientOf(meta),
    progressToken: isToken(progressToken) ? progressToken : null,
    traceparent: isTraceparent(traceparent) ? traceparent : null,
    logLevel: isLogLevel(meta[LEVEL_KEY]) ? meta[LEVEL_KEY] : null,
  };
}

function legacy(
  request: Request,
  meta: JsonObject,
  { version }: Mirrors,
  agreed: Agreed | null,
): Envelope {
  // The revision of an `initialize` is in its params; no header is defined for it.
  const spoken =
    request.method === 'initialize'
      ? UNNAMED_VERSION
      : (version ?? agreed?.version ?? UNNAMED_VERSION);
  if (spoken === MODERN_VERSION)
    throw new ProtocolFault(
      'envelope',
      `expected \`params._meta\` with \`${VERSION_KEY}\` and \`${CAPABILITIES_KEY}\``,
    );
  if (!isLegacyVersion(spoken)) throw unsupportedVersion(spoken);
  const { progressToken, traceparent } = meta;
  return {
    era: 'legacy',
    version: spoken,
    capabilities: agreed?.capabilities ?? NO_META,
    client: agreed?.client ?? null,
    progressToken: isToken(progressToken) ? progressToken : null,
    traceparent: isTraceparent(traceparent) ? traceparent : null,
    logLevel: agreed?.logLevel ?? null,
  };
}

function checkMirrors({ method, params }: Request, mirrors: Mirrors): void {
  if (mirrors.method === undefined) throw missing('Mcp-Method');
  if (mirrors.method !== method) throw mismatch('Mcp-Method', mirrors.method, method);
  const member = NAMED.get(method);
  if (member === undefined) return;
  const named = params[member];
  if (typeof named !== 'string') return;
  if (mirrors.name === undefined) throw missing('Mcp-Name');
  if (mirrors.name !== named && decodeHeader(mirrors.name) !== named)
    throw mismatch('Mcp-Name', mirrors.name, named);
}

function metaOf({ params }: Request): JsonObject {
  if (!Object.hasOwn(params, '_meta')) return NO_META;
  const meta = params._meta;
  if (!isJsonObject(meta)) throw new ProtocolFault('envelope', 'expected `_meta` to be an object');
  return meta;
}

/** True for a `traceparent` of W3C Trace Context, version 00. */
export function isTraceparent(value: unknown): value is string {
  return typeof value === 'string' && TRACEPARENT.test(value);
}

function isToken(value: Json | undefined): value is Id {
  return typeof value === 'string' ? value.length <= 256 : Number.isSafeInteger(value);
}

function clientOf(meta: JsonObject): string | null {
  const info = meta[CLIENT_KEY];
  return isJsonObject(info) && typeof info.name === 'string' ? info.name.slice(0, 100) : null;
}

function missing(header: string): ProtocolFault {
  return new ProtocolFault('headerMismatch', `header mismatch: \`${header}\` is missing`);
}

function mismatch(header: string, got: string, inBody: string): ProtocolFault {
  return new ProtocolFault(
    'headerMismatch',
    `header mismatch: \`${header}\` is \`${got.slice(0, 128)}\`, the body says \`${inBody.slice(0, 128)}\``,
  );
}
