import type { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
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
  unsupportedVersion: { code: -32022, status: 400 },
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

/** The answer to a request that failed, serialised. */
export function faultText(id: Id | null, fault: ProtocolFault): string {
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
