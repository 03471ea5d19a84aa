import type { Broker } from '../../broker/broker.ts';
import { within } from '../../broker/patience.ts';
import type { Bundle, Connection, Tool } from '../../domain/bundle.ts';
import type { Inspector } from '../../domain/connector.ts';
import { exposed } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';

/** A system that describes itself (an MCP server), asked now and compared with what was applied. */
export interface ServerView {
  readonly connection: string;
  readonly kind: string;
  /** Null when it answered. */
  readonly fault: { readonly message: string; readonly fix: string } | null;
  /** Its own name and version. */
  readonly server: { readonly name: string; readonly version: string } | null;
  /** Revision spoken with it, where that is known. */
  readonly protocol: string | null;
  readonly offers: number;
  readonly served: number;
  /** Served tools that it defines otherwise now, or no longer has. */
  readonly changed: readonly string[];
  readonly gone: readonly string[];
}

const ANSWER_MS = 20_000;

/** Every one of the active bundle. Never throws: what does not answer says why. */
export async function serversIn(broker: Broker): Promise<readonly ServerView[]> {
  const bundle = await broker.bundles.active();
  const found = Object.values(bundle.connections).flatMap((connection) => {
    const inspector = broker.inspectors.get(connection.kind);
    return inspector?.catalogue === undefined ? [] : [{ connection, inspector }];
  });
  return Promise.all(
    found.map(async ({ connection, inspector }) => {
      const asked = viewOf(bundle, connection, inspector);
      const answer = await within(broker.doors.timers, ANSWER_MS, asked).catch((error: unknown) => {
        const { message, help } = exposed(error);
        return failed(connection, message, help);
      });
      return (
        answer ?? failed(connection, `no answer in ${ANSWER_MS / 1000} s`, 'look at the server')
      );
    }),
  );
}

async function viewOf(
  bundle: Bundle,
  connection: Connection,
  inspector: Inspector,
): Promise<ServerView> {
  const catalogue = await inspector.catalogue?.(connection);
  if (catalogue === undefined) throw new TypeError('an inspector without a catalogue');
  const served = Object.values(bundle.tools).filter(
    (tool) => tool.connection === connection.name && tool.offers === undefined,
  );
  const offered = new Map(catalogue.tools.map((definition) => [definition.name, definition]));
  const changed: string[] = [];
  const gone: string[] = [];
  for (const tool of served) {
    const definition = offered.get(String(tool.binding.name));
    if (definition === undefined) gone.push(tool.name);
    else if (await isChanged(tool, definition, connection, inspector)) changed.push(tool.name);
  }
  return {
    ...{ connection: connection.name, kind: connection.kind, fault: null },
    server: catalogue.server,
    protocol: catalogue.protocol ?? null,
    offers: catalogue.tools.length,
    served: served.length,
    changed,
    gone,
  };
}

/** By the digest that calls are refused by, of what the server says now. */
async function isChanged(
  tool: Tool,
  { description = '', inputSchema }: JsonObject,
  connection: Connection,
  inspector: Inspector,
): Promise<boolean> {
  const now = { ...tool, description, inputSchema } as Tool;
  const { binding } = await inspector.derive(now, connection);
  return binding.definition !== tool.binding.definition;
}

function failed({ name, kind }: Connection, message: string, fix: string): ServerView {
  const nothing = { server: null, protocol: null, offers: 0, served: 0, changed: [], gone: [] };
  return { connection: name, kind, fault: { message, fix }, ...nothing };
}
