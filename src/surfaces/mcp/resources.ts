import type { Tool } from '../../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { Outcome } from '../../domain/proposal.ts';
import { ProtocolFault } from '../../protocols/mcp/faults.ts';
import { CACHING } from '../../protocols/mcp/results.ts';
import { createSeal, type Seal } from '../../protocols/mcp/seal.ts';
import { uriPrefix } from '../../protocols/mcp/upstream-uri.ts';
import type { CallOptions, Calls } from './calls.ts';
import type { GrantedViews, View } from './granted-views.ts';
import { CallFault, resourceGone, toldAsMethod } from './telling.ts';
import { invalid, type Telling, type Wanted } from './tool-call.ts';
import type { Turn } from './turn.ts';

type Listed = 'resources' | 'templates';

const MEMBER = { resources: 'resources', templates: 'resourceTemplates' } as const;
const MAX_URI = 8_192;
const MAX_CURSOR = 32_768;
/** A list over many connections asks this many of them before it gives its first page. */
const MAX_ASKED_AT_ONCE = 8;
const NOT_FOUND = new Set([-32602, -32002]);

/** Resources of every granted connection as one: reads under the judge, through the pseudo tool of each. */
export class Resources {
  readonly #calls: Calls;
  readonly #views: GrantedViews;
  readonly #cursors: Seal;

  constructor(options: CallOptions, calls: Calls, views: GrantedViews) {
    this.#calls = calls;
    this.#views = views;
    const { entropy } = options.governed.broker.doors;
    this.#cursors = createSeal(options.stateKey, 'signalbox/mcp/cursor/1', MAX_CURSOR, entropy);
  }

  /**
   * The members of one page. Connections are listed one after the other; the cursor says where to go on, and is good
   * only for this agent and bundle. A connection that does not answer is left out, unless it is the only one.
   */
  async list(turn: Turn, what: Listed): Promise<string> {
    const view = await this.#offered(turn);
    const { resources } = view.granted;
    const found: Json[] = [];
    let { at, cursor } = this.#position(turn, view, what);
    for (let asked = 0; at < resources.length && asked < MAX_ASKED_AT_ONCE; asked++) {
      const outcome = await this.#calls.quietly(turn, {
        tool: nameOf(resources, at),
        arguments: { list: what, ...(cursor === null ? {} : { cursor }) },
      });
      const page = pageOf(outcome, what);
      if (page === null && resources.length === 1)
        toldAsMethod(false, () => '').outcome(ended(outcome), turn);
      if (page !== null) found.push(...page.items);
      cursor = page?.next ?? null;
      if (cursor === null) at++;
      if (cursor !== null) break;
    }
    const more =
      at < resources.length
        ? `,"nextCursor":${JSON.stringify(this.#cursors.seal({ what, at, cursor, holder: view.key, bundle: view.bundle.digest }))}`
        : '';
    const caching = turn.envelope.era === 'modern' ? `,${CACHING}` : '';
    return `"${MEMBER[what]}":${JSON.stringify(found)}${more}${caching}`;
  }

  /** Where several unprefixed servers could have it, they are asked in order. Throws ProtocolFault. */
  async read(turn: Turn): Promise<void> {
    const view = await this.#offered(turn);
    const uri = uriIn(turn.request.params);
    const tools = toolsFor(view, uri);
    const [first] = tools;
    if (first === undefined) throw resourceGone(uri, turn);
    let chosen = first;
    for (const tool of tools.length > 1 ? tools.slice(0, MAX_ASKED_AT_ONCE) : []) {
      const outcome = await this.#calls.quietly(turn, { tool: tool.name, arguments: { uri } });
      chosen = tool;
      if (!(outcome.kind === 'failed' && NOT_FOUND.has(outcome.reply?.code ?? 0))) break;
    }
    await this.#calls.answer(turn, this.#reading(chosen, uri));
  }

  /** Which pseudo tool watches this URI. Throws ProtocolFault, CallFault. */
  async watch(turn: Turn, uri: string, subscribe: boolean): Promise<void> {
    const [tool] = toolsFor(await this.#offered(turn), uri);
    if (tool === undefined) throw resourceGone(uri, turn);
    const outcome = await this.#calls.quietly(turn, {
      tool: tool.name,
      arguments: { uri, subscribe },
    });
    toldAsMethod(false, () => '', gone(uri)).outcome(ended(outcome), turn);
  }

  /** Nobody here watches it any more. Never rejects. */
  async forget(turn: Turn, uri: string): Promise<void> {
    const view = await this.#views.of(turn.caller).catch(() => null);
    const tool = view === null ? undefined : toolsFor(view, uri)[0];
    if (tool === undefined) return;
    const unsubscribe = { tool: tool.name, arguments: { uri, subscribe: false } };
    await this.#calls.quietly(turn, unsubscribe, null).catch(() => undefined);
  }

  /** The tool that completes a variable of this resource template. */
  async completing(turn: Turn, uri: string): Promise<Tool> {
    const [tool] = toolsFor(await this.#offered(turn), uri);
    if (tool === undefined) throw invalid('there is no such resource template');
    return tool;
  }

  async #offered(turn: Turn): Promise<View> {
    const view = await this.#views.of(turn.caller);
    if (!view.offered.resources)
      throw new ProtocolFault('methodNotFound', 'no resources are offered to this agent');
    return view;
  }

  #reading(tool: Tool, uri: string): Wanted {
    return { tool: tool.name, arguments: { uri }, telling: readTelling(uri), reads: true };
  }

  #position(turn: Turn, view: View, what: Listed): { at: number; cursor: string | null } {
    const { cursor } = turn.request.params;
    if (cursor === undefined) return { at: 0, cursor: null };
    const place = typeof cursor === 'string' ? this.#cursors.open(cursor) : null;
    const mine =
      place?.holder === view.key && place.bundle === view.bundle.digest && place.what === what;
    if (!mine) throw invalid('the cursor is not of the present list; start again without it');
    return {
      at: Number(place?.at),
      cursor: typeof place?.cursor === 'string' ? place.cursor : null,
    };
  }
}

/** A read may be kept as long as its target says, and by this client only. */
function readTelling(uri: string): Telling {
  return toldAsMethod(
    true,
    (members, { envelope }) => {
      const { ttlMs, cacheScope: _, ...rest } = JSON.parse(`{${members}}`) as JsonObject;
      if (envelope.era === 'legacy') return JSON.stringify(rest).slice(1, -1);
      const ttl = typeof ttlMs === 'number' && ttlMs >= 0 ? Math.floor(ttlMs) : 0;
      const kept = JSON.stringify({ ...rest, ttlMs: ttl, cacheScope: 'private' });
      return kept.slice(1, -1);
    },
    gone(uri),
  );
}

function gone(uri: string): Parameters<typeof toldAsMethod>[2] {
  return (reply, turn) => {
    if (NOT_FOUND.has(reply.code)) throw resourceGone(uri, turn);
  };
}

/** The granted connections that could have it: by prefix, else all that have none. */
function toolsFor({ bundle, granted }: View, uri: string): Tool[] {
  const places = granted.resources.flatMap((tool) => {
    const connection = bundle.connections[tool.connection];
    return connection === undefined ? [] : [{ tool, prefix: uriPrefix(connection) }];
  });
  const named = places.filter(({ prefix }) => prefix !== '' && uri.startsWith(prefix));
  return (named.length > 0 ? named : places.filter(({ prefix }) => prefix === '')).map(
    ({ tool }) => tool,
  );
}

export function uriIn({ uri }: JsonObject): string {
  if (typeof uri !== 'string' || uri.length === 0 || uri.length > MAX_URI)
    throw invalid(`expected \`uri\` to be a text of 1 to ${MAX_URI} characters`);
  return uri;
}

function pageOf(
  outcome: Outcome,
  what: Listed,
): { items: readonly Json[]; next: string | null } | null {
  if (outcome.kind !== 'done') return null;
  const result = JSON.parse(`{${outcome.result.wire ?? ''}}`) as JsonObject;
  const items = result[MEMBER[what]];
  if (!Array.isArray(items)) return null;
  const { nextCursor } = result;
  return { items, next: typeof nextCursor === 'string' ? nextCursor : null };
}

function nameOf(tools: readonly Tool[], at: number): string {
  return tools[at]?.name ?? '';
}

/** A list or a subscription is not held for a human. */
function ended(outcome: Outcome): Exclude<Outcome, { kind: 'parked' }> {
  if (outcome.kind !== 'parked' && !isAsking(outcome)) return outcome;
  throw new CallFault({ code: 409, message: 'this would need a human, and cannot wait for one' });
}

function isAsking(outcome: Outcome): boolean {
  return outcome.kind === 'done' && isJsonObject(outcome.result.wants?.questions);
}
