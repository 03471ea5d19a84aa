import type { Connection } from '../../domain/bundle.ts';
import type { Inspector } from '../../domain/connector.ts';
import type { Credential } from '../../domain/credential.ts';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { McpOptions } from './connector.ts';

export interface McpInspectorOptions extends McpOptions {
  /** What the broker itself logs in with, to look: `secret` over HTTP, `environment` for a child; null for none. */
  readonly reveal: (connection: Connection) => Promise<Credential | null>;
}

/** Asks MCP servers what they offer, and compares a tool with what its server says of it. */
export function createMcpInspector(_doors: Doors, _options: McpInspectorOptions): Inspector {
  return {
    kind: 'mcp',
    async derive() {
      throw new SignalboxError('INTERNAL', 'not built yet');
    },
    async prepare() {},
    async catalogue() {
      throw new SignalboxError('INTERNAL', 'not built yet');
    },
  };
}
