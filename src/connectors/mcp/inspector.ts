import type { Redact } from '../../boundary/redact.ts';
import type { Connection, Tool } from '../../domain/bundle.ts';
import type { Catalogue, Derived, Inspector } from '../../domain/connector.ts';
import { ConnectorFailure } from '../../domain/connector.ts';
import type { Credential } from '../../domain/credential.ts';
import { digestOf } from '../../domain/digest.ts';
import type { Doors } from '../../domain/doors.ts';
import { ERRORS, type ErrorCode, SignalboxError } from '../../domain/errors.ts';
import { canonical, isJsonObject, type JsonObject } from '../../domain/json.ts';
import { bindingOfParams, mirroredParams } from '../../protocols/mcp/mirror.ts';
import { type McpOptions, openSites } from './connector.ts';
import { definitionDigest } from './definitions.ts';
import { launchOf } from './launch.ts';
import { listAll } from './listing.ts';
import { opinionsOf } from './opinions.ts';
import type { Caller } from './peer.ts';
import { shapeDigest } from './shape.ts';
import { WireFault } from './wire.ts';

export interface McpInspectorOptions extends McpOptions {
  /** What the broker itself logs in with, to look: `secret` over HTTP, `environment` for a child; null for none. */
  readonly reveal: (connection: Connection) => Promise<Credential | null>;
}

/** Looking again within this time sees the same. */
const KEPT_MS = 10_000;
const MAX_KEPT = 32;
const NAME = /^[\x21-\x7e]{1,128}$/;
/** Some servers offer a tool only to a client that can be asked. */
const CURIOUS: Caller = {
  runId: 'inspection',
  capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} },
  alone: true,
};
/** What a definition says besides its name, its description and its input. */
const LISTED = ['title', 'outputSchema', 'annotations', 'icons', '_meta', 'execution'] as const;

interface Look {
  readonly catalogue: Catalogue;
  readonly at: number;
}

/** Asks MCP servers what they offer, and compares a tool with what its server says of it. */
export function createMcpInspector(doors: Doors, options: McpInspectorOptions): Inspector {
  const looks = new Map<string, Promise<Look>>();
  const look = async (connection: Connection): Promise<Catalogue> => {
    const key = digestOf('mcp/look', connection);
    const known = looks.get(key);
    if (known !== undefined) {
      const { catalogue, at } = await known;
      if (doors.clock.monotonic() - at < KEPT_MS) return catalogue;
    }
    const looking = lookAt(doors, options, connection);
    looks.set(key, looking);
    if (looks.size > MAX_KEPT) looks.delete(looks.keys().next().value ?? key);
    looking.catch(() => looks.delete(key));
    return (await looking).catalogue;
  };
  return {
    kind: 'mcp',
    derive: async (draft, connection) => derived(draft, connection, await look(connection)),
    async prepare() {},
    launch: launchOf,
    catalogue: look,
  };
}

async function lookAt(
  doors: Doors,
  options: McpInspectorOptions,
  connection: Connection,
): Promise<Look> {
  const credential = await options.reveal(connection);
  const sites = openSites(doors, options, false);
  const peer = sites.of(connection).peerOf(credential);
  const { redact } = peer;
  try {
    const channel = await peer.channel(CURIOUS);
    const { server } = channel.session;
    const { tools, prompts, resources, completions } = server.capabilities;
    const list = async (what: 'tools' | 'prompts', offered: unknown) =>
      offered === undefined
        ? []
        : (await listAll(channel.session, what, connection.name, redact)).items;
    const catalogue: Catalogue = {
      server: { name: redact(server.name), version: redact(server.version) },
      instructions: server.instructions === null ? null : redact(server.instructions),
      tools: definitions(await list('tools', tools), 'tool', connection),
      prompts: definitions(await list('prompts', prompts), 'prompt', connection),
      resources: resources !== undefined,
      completions: completions !== undefined,
    };
    return { catalogue, at: doors.clock.monotonic() };
  } catch (error) {
    throw asOurs(error, redact);
  } finally {
    await sites.close();
  }
}

/** In name order. What is named twice, or so that no call could name it, could be mistaken for another. */
function definitions(
  items: readonly JsonObject[],
  what: 'tool' | 'prompt',
  { name: place, settings }: Connection,
): JsonObject[] {
  const byName = new Map<string, JsonObject>();
  for (const item of items) {
    const { name, inputSchema } = item;
    if (typeof name !== 'string' || !NAME.test(name))
      throw forbidden(`\`${place}\` lists a ${what} whose name cannot be used`);
    if (byName.has(name)) throw forbidden(`\`${place}\` lists the ${what} \`${name}\` twice`);
    if (what === 'tool') {
      if (!isJsonObject(inputSchema))
        throw forbidden(`the tool \`${name}\` of \`${place}\` has no input schema`);
      // the protocol wants such a tool left out, and the others served
      if (settings.transport !== 'stdio' && mirroredParams(inputSchema).fault !== null) continue;
    }
    byName.set(name, item);
  }
  return [...byName.values()].sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1));
}

function derived(draft: Tool, connection: Connection, catalogue: Catalogue): Derived {
  const { effect, idempotent, binding } = draft;
  if (binding.mcp === 'resources') return offered(draft, 'resources', {});
  if (binding.mcp === 'prompts')
    return offered(draft, 'prompts', { prompts: [...catalogue.prompts] });
  const name = String(binding.name);
  const definition = catalogue.tools.find((each) => each.name === name);
  if (definition === undefined)
    throw new SignalboxError(
      'TOOL_UNRESOLVED',
      `\`${connection.name}\` offers no tool \`${name}\` that can be served`,
    );
  checkPinned(draft, definition);
  const listed = LISTED.filter((member) => definition[member] !== undefined);
  return {
    effect,
    recoveryPath: draft.recoveryPath,
    idempotent,
    binding: {
      mcp: 'tools/call',
      name,
      definition: definitionDigest(definition),
      shape: shapeDigest(definition),
      headers: headersOf(definition, connection),
    },
    derivation: opinionsOf(definition, effect),
    listing: Object.fromEntries(listed.map((member) => [member, definition[member] ?? null])),
  };
}

/** The texts that will be listed are those of the very definition that is pinned. */
function checkPinned({ description, inputSchema, name }: Tool, definition: JsonObject): void {
  const same =
    canonical(inputSchema) === canonical(definition.inputSchema) &&
    (description === '' || description === (definition.description ?? ''));
  if (!same)
    throw new SignalboxError('TOOL_DRIFTED', `the definition of \`${name}\` changed meanwhile`);
}

function headersOf({ inputSchema }: JsonObject, { settings }: Connection): JsonObject {
  if (settings.transport === 'stdio' || !isJsonObject(inputSchema)) return {};
  return bindingOfParams(mirroredParams(inputSchema).params);
}

function offered(draft: Tool, what: 'resources' | 'prompts', listing: JsonObject): Derived {
  return {
    effect: 'read',
    recoveryPath: false,
    idempotent: true,
    binding: draft.binding,
    derivation: [`${what} of an MCP server are read`],
    listing,
  };
}

function asOurs(error: unknown, redact: Redact): unknown {
  if (!(error instanceof WireFault) && !(error instanceof ConnectorFailure)) return error;
  const code = Object.hasOwn(ERRORS, error.code) ? (error.code as ErrorCode) : 'INTERNAL';
  return new SignalboxError(code, redact(error.message));
}

function forbidden(message: string): SignalboxError {
  return new SignalboxError('TOOL_FORBIDDEN', message, {
    help: 'have the server mended; nothing of it is served until then',
  });
}
