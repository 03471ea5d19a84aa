import type { Resolve } from '../../boundary/egress.ts';
import type { Connection } from '../../domain/bundle.ts';
import { type Change, type Connector, ConnectorFailure } from '../../domain/connector.ts';
import type { Doors } from '../../domain/doors.ts';
import type { Spawn } from './child.ts';

/** A server's answer that it does not take our credential: the `WWW-Authenticate` header with its status. */
export interface Challenge {
  readonly status: 401 | 403;
  readonly header: string;
}

export interface McpOptions {
  /** Told on every 401 or 403 with a `Bearer` challenge, before the call fails with `CREDENTIAL_REFUSED`. */
  readonly challenged?: (connection: Connection, challenge: Challenge) => void;
  readonly resolve?: Resolve;
  readonly spawn?: Spawn;
  /** `HOME` and the working directory of children, where a connection names none. */
  readonly home?: string;
  /** Our version, told to servers. */
  readonly version?: string;
}

/** Calls tools, resources and prompts of MCP servers of both eras, over HTTP or as children. Never retries a call. */
export function createMcpConnector(
  _doors: Doors,
  _options: McpOptions & { readonly feed?: (change: Change) => void } = {},
): Connector {
  return {
    kind: 'mcp',
    async begin() {
      throw new ConnectorFailure('CONNECTOR_REFUSED', 'not built yet', 'none');
    },
    async probe({ tool }) {
      return tool.effect === 'read' ? 'failed' : 'unknown';
    },
    async release() {},
    async close() {},
  };
}
