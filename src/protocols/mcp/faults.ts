import type { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { TargetError } from '../../domain/proposal.ts';
import type { Id } from './message.ts';
import { SUPPORTED_VERSIONS } from './versions.ts';

/** Codes of JSON-RPC and of the MCP specification, with the HTTP status each has when the request itself is at fault. */
export const CODES = {
  parse: { code: -32700, status: 400 },
  invalidRequest: { code: -32600, status: 400 },
  methodNotFound: { code: -32601, status: 404 },
  invalidParams: { code: -32602, status: 200 },
  /** `_meta` of the modern revision is missing or malformed. */
  envelope: { code: -32602, status: 400 },
  headerMismatch: { code: -32020, status: 400 },
  missingCapability: { code: -32021, status: 400 },
  unsupportedVersion: { code: -32022, status: 400 },
  /** Before the modern revision a resource that is not there had a code of its own. */
  resourceGone: { code: -32002, status: 200 },
  /** The session is over, or never was one: the client has to begin another. */
  noSession: { code: -32001, status: 404 },
} as const;

/** A request that the protocol does not allow; nothing was proposed to the broker. */
export class ProtocolFault extends Error {
  readonly code: number;
  readonly status: number;
  readonly data: JsonObject | undefined;

  constructor(kind: keyof typeof CODES, message: string, data?: JsonObject) {
    super(message);
    this.name = 'ProtocolFault';
    this.code = CODES[kind].code;
    this.status = CODES[kind].status;
    this.data = data;
  }
}

export function unsupportedVersion(requested: string): ProtocolFault {
  return new ProtocolFault('unsupportedVersion', 'this protocol version is not spoken here', {
    supported: SUPPORTED_VERSIONS,
    requested: requested.slice(0, 64),
  });
}

/** The call needs to ask its client something that the client did not say it answers. */
export function missingCapability(required: JsonObject): ProtocolFault {
  return new ProtocolFault(
    'missingCapability',
    `this call has to ask its client, who did not declare \`${Object.keys(required).join('`, `')}\``,
    { requiredCapabilities: required },
  );
}

/** The answer to a request that failed, serialised. */
export function faultText(id: Id | null, fault: ProtocolFault | TargetError): string {
  const { code, message, data } = fault;
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    error: { code, message, ...(data === undefined ? {} : { data }) },
  });
}

/** One of our own errors as JSON-RPC: its HTTP status is its code, which lies outside every reserved range. */
export function errorText(id: Id | null, error: SignalboxError): string {
  const { code, help } = error;
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    error: { code: error.status, message: `${error.message}; ${help}`, data: { code, help } },
  });
}
