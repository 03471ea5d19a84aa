import type { Broker } from '../../broker/broker.ts';
import { within } from '../../broker/patience.ts';
import type { Bundle, Connection, Tool } from '../../domain/bundle.ts';
import type { Inspector } from '../../domain/connector.ts';
import { exposed } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { narrowingIn } from '../../tools/narrow/narrowing.ts';
import { instructionsDigest } from '../../tools/pin.ts';

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
  /** Served tools whose words it changed and nothing else: agents go on reading the words that were pinned. */
  readonly reworded: readonly string[];
  /** By its own names: what it offers and was never accepted. Nobody is shown it. */
  readonly unserved: readonly string[];
  /** What it says to clients before anything else is not what it said then; no agent is shown it. */
  readonly instructionsChanged: boolean;
  /** What was pinned of each that differs, beside what it says now. */
  readonly drift: readonly Drift[];
}

export interface Drift {
  readonly tool: string;
  readonly pinned: JsonObject;
  readonly live: JsonObject | null;
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
  const reworded: string[] = [];
  const drift: Drift[] = [];
  const known = new Set(served.map((tool) => String(tool.binding.name)));
  for (const tool of served) {
    const definition = offered.get(String(tool.binding.name));
    if (definition === undefined) {
      gone.push(tool.name);
      drift.push({ tool: tool.name, pinned: pinnedOf(tool), live: null });
    } else {
      const drifted = await driftOf(tool, definition, connection, inspector);
      if (drifted === 'changed') changed.push(tool.name);
      if (drifted === 'reworded') reworded.push(tool.name);
      if (drifted !== 'same')
        drift.push({ tool: tool.name, pinned: pinnedOf(tool), live: definition });
    }
  }
  return {
    ...{ connection: connection.name, kind: connection.kind, fault: null },
    server: catalogue.server,
    protocol: catalogue.protocol ?? null,
    offers: catalogue.tools.length,
    served: served.length,
    ...{ changed, gone, reworded, drift },
    unserved: [...offered.keys()].map(String).filter((name) => !known.has(name)),
    instructionsChanged:
      connection.pins !== undefined &&
      connection.pins.instructions !== instructionsDigest(catalogue.instructions),
  };
}

/** By the digests that calls are refused by, of what the server says now. */
async function driftOf(
  tool: Tool,
  { description = '', inputSchema }: JsonObject,
  connection: Connection,
  inspector: Inspector,
): Promise<'same' | 'reworded' | 'changed'> {
  const now = { ...tool, description, inputSchema } as Tool;
  const { binding } = await inspector.derive(now, connection);
  if (binding.definition === tool.binding.definition) return 'same';
  const { shape } = tool.binding;
  return shape !== undefined && binding.shape === shape ? 'reworded' : 'changed';
}

/** As its server would list it. */
function pinnedOf(tool: Tool): JsonObject {
  const { binding, listing = {} } = tool;
  const { description, inputSchema } = narrowingIn(binding)?.upstream ?? tool;
  return { name: binding.name ?? null, description, inputSchema, ...listing };
}

function failed({ name, kind }: Connection, message: string, fix: string): ServerView {
  const nothing = {
    ...{ server: null, protocol: null, offers: 0, served: 0, changed: [], gone: [] },
    ...{ reworded: [], unserved: [], instructionsChanged: false, drift: [] },
  };
  return { connection: name, kind, fault: { message, fix }, ...nothing };
}
