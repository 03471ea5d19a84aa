import type { Bundle, Connection, Tool } from '../../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { ProtocolFault } from './faults.ts';

const PAGE = 100;
/** What a system says of its tool that is shown as it was pinned. Everything else is ours to say. */
const SHOWN = ['title', 'outputSchema', 'icons', 'execution', '_meta'] as const;

/** A prompt an agent may get, and the tool through which it gets it. */
export interface GrantedPrompt {
  readonly definition: JsonObject;
  readonly tool: Tool;
}

/** What may be used, in an order that depends on nothing but the bundle. */
export interface Granted {
  /** Listed ones, by name in code point order. */
  readonly tools: readonly Tool[];
  readonly prompts: readonly JsonObject[];
  readonly promptByName: ReadonlyMap<string, GrantedPrompt>;
  /** The pseudo tools for resources, by name. */
  readonly resources: readonly Tool[];
}

/** Who is shown a list: everybody who acts in a run, and the tools it was begun for (null: no list). */
export interface Holder {
  readonly agents: readonly string[];
  readonly tools: readonly string[] | null;
}

/** What the bundle grants all of these agents, as far as their run was given it. */
export function grantedTo(bundle: Bundle, { agents, tools: given }: Holder): Granted {
  const [first, ...others] = agents.map((agent) => heldTools(bundle, agent));
  const held = (first ?? []).filter(
    (tool) => others.every((all) => all.includes(tool)) && given?.includes(tool.name) !== false,
  );
  const promptByName = new Map<string, GrantedPrompt>();
  // two servers with one prompt name and no prefix: the first by connection keeps it
  for (const tool of held.filter(({ offers }) => offers === 'prompts'))
    for (const definition of promptsOf(tool, bundle.connections[tool.connection]))
      if (!promptByName.has(String(definition.name)))
        promptByName.set(String(definition.name), { definition, tool });
  const prompts = [...promptByName.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { definition }]) => definition);
  return {
    tools: held.filter(({ offers }) => offers === undefined),
    prompts,
    promptByName,
    resources: held.filter(({ offers }) => offers === 'resources'),
  };
}

function heldTools(bundle: Bundle, agent: string): Tool[] {
  if (!Object.hasOwn(bundle.agents, agent)) return [];
  const names = new Set<string>();
  for (const grant of bundle.grants) if (grant.agent === agent) names.add(grant.tool);
  return [...names]
    .sort((a, b) => (a < b ? -1 : 1))
    .flatMap((name) => {
      const tool = Object.hasOwn(bundle.tools, name) ? bundle.tools[name] : undefined;
      return tool === undefined ? [] : [tool];
    });
}

/** As pinned, under the names that agents know. */
function promptsOf({ listing }: Tool, connection: Connection | undefined): JsonObject[] {
  const prompts = listing?.prompts;
  if (!Array.isArray(prompts) || connection === undefined) return [];
  const { toolPrefix } = connection.settings;
  const prefix = typeof toolPrefix === 'string' ? toolPrefix : '';
  return (prompts as readonly Json[])
    .filter(isJsonObject)
    .map((prompt) => ({ ...prompt, name: prefix + String(prompt.name) }));
}

/**
 * The members of a list result for one page, serialised. `member` names the list. Throws ProtocolFault for a cursor we
 * did not make for this very list.
 */
export function listPage(
  bundle: Bundle,
  member: 'tools' | 'prompts',
  { tools, prompts }: Granted,
  cursor: string | null,
): string {
  const length = member === 'tools' ? tools.length : prompts.length;
  const start = cursor === null ? 0 : startOf(cursor, bundle, member, length);
  const end = start + PAGE;
  const shown =
    member === 'tools' ? tools.slice(start, end).map(described) : prompts.slice(start, end);
  const text = `"${member}":${JSON.stringify(shown)}`;
  return end < length
    ? `${text},"nextCursor":${JSON.stringify(cursorAt(bundle, member, end))}`
    : text;
}

function described(tool: Tool): JsonObject {
  const { name, description, inputSchema, listing = {} } = tool;
  const shown: Record<string, Json> = {};
  for (const member of SHOWN) {
    const value = listing[member];
    if (value !== undefined) shown[member] = value;
  }
  return { name, description, inputSchema, ...shown, annotations: annotationsOf(tool) };
}

/** Our effect class decides; a system's own word may only make it sound worse. */
function annotationsOf({ effect, idempotent, listing }: Tool): JsonObject {
  const said = listing?.annotations;
  const theirs = isJsonObject(said) ? said : {};
  return {
    ...(typeof theirs.title === 'string' ? { title: theirs.title } : {}),
    readOnlyHint: effect === 'read' && theirs.readOnlyHint !== false,
    destructiveHint: effect === 'destroy' || (effect !== 'read' && theirs.destructiveHint === true),
    idempotentHint: idempotent,
    openWorldHint: theirs.openWorldHint === true,
  };
}

function cursorAt(bundle: Bundle, member: string, start: number): string {
  return Buffer.from(`${bundle.digest.slice(0, 16)} ${member} ${start}`).toString('base64url');
}

function startOf(cursor: string, bundle: Bundle, member: string, length: number): number {
  const [digest, , at] = Buffer.from(cursor.slice(0, 200), 'base64url').toString().split(' ');
  const start = Number(at);
  const ours = cursorAt(bundle, member, start) === cursor;
  if (!ours || start <= 0 || start >= length || start % PAGE !== 0)
    throw new ProtocolFault(
      'invalidParams',
      digest === bundle.digest.slice(0, 16)
        ? 'the cursor is not one of ours'
        : 'the cursor is not of the present list; start again without it',
    );
  return start;
}
