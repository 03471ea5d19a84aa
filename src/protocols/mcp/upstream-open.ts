import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { TargetError } from '../../domain/proposal.ts';
import type { ClientIdentity } from './upstream-request.ts';
import { isLegacyVersion, LEGACY_VERSIONS, MODERN_VERSION } from './versions.ts';

/** What a server says of itself. A stranger's words, cut to size. */
export interface SelfDescription {
  readonly name: string;
  readonly version: string;
  readonly instructions: string | null;
  readonly capabilities: JsonObject;
}

export type Era = 'modern' | 'legacy';

const MAX_NAME = 100;
const MAX_INSTRUCTIONS = 16 * 1024;
const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';
/** What only servers of the modern revision say. */
const MODERN_CODES = new Set([-32020, -32021]);
const UNSUPPORTED_VERSION = -32022;

/** What the answer to `server/discover` tells; the era is null when it fits neither that is spoken here. */
export function readDiscovery(result: JsonObject): {
  readonly era: Era | null;
  readonly self: SelfDescription;
} {
  const meta = isJsonObject(result._meta) ? result._meta : {};
  return {
    era: eraOf(result.supportedVersions ?? null),
    self: selfOf(result, meta[SERVER_INFO] ?? result.serverInfo ?? null),
  };
}

/** Which era an error tells that came in answer to `server/discover`. A modern server has that method. */
export function eraOfError({ code, data }: TargetError): Era | null {
  if (MODERN_CODES.has(code)) return 'modern';
  if (code !== UNSUPPORTED_VERSION) return 'legacy';
  return eraOf(isJsonObject(data) ? (data.supported ?? null) : null);
}

function eraOf(versions: Json): Era | null {
  if (!Array.isArray(versions)) return null;
  if (versions.includes(MODERN_VERSION)) return 'modern';
  return versions.some((each) => typeof each === 'string' && isLegacyVersion(each))
    ? 'legacy'
    : null;
}

/** Members of the params of `initialize`, serialised. */
export function initializeMembers(client: ClientIdentity, capabilities: JsonObject): string {
  return JSON.stringify({
    protocolVersion: LEGACY_VERSIONS[0],
    capabilities,
    clientInfo: client,
  }).slice(1, -1);
}

/** The version is null when the server insists on one that is not spoken here. */
export function readInitialized(result: JsonObject): {
  readonly version: string | null;
  readonly self: SelfDescription;
} {
  const { protocolVersion } = result;
  return {
    version:
      typeof protocolVersion === 'string' && isLegacyVersion(protocolVersion)
        ? protocolVersion
        : null,
    self: selfOf(result, result.serverInfo ?? null),
  };
}

function selfOf({ capabilities, instructions }: JsonObject, info: Json): SelfDescription {
  const { name, version } = isJsonObject(info) ? info : {};
  return {
    name: short(name, MAX_NAME) ?? 'unnamed',
    version: short(version, MAX_NAME) ?? 'unknown',
    instructions: short(instructions, MAX_INSTRUCTIONS),
    capabilities: isJsonObject(capabilities) ? capabilities : {},
  };
}

function short(text: Json | undefined, length: number): string | null {
  return typeof text === 'string' ? text.slice(0, length).toWellFormed() : null;
}
