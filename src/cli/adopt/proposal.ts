import { Document, isMap, isSeq, parseDocument } from 'yaml';
import { SignalboxError } from '../../domain/errors.ts';
import { canonical, isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';

/** An agent that the take-over makes or extends. */
export interface Granting {
  readonly agent: string;
  readonly owner: string;
  readonly tools: readonly string[];
}

/** The `signalbox.yaml` of an adoption, changed as text: comments and order of what is there stay. */
export class Proposal {
  readonly #document: Document;

  /** `text` null: there is no file yet. Throws CONFIG_SYNTAX. */
  constructor(text: string | null, path: string) {
    this.#document = text === null ? fresh() : parseDocument(text);
    const [fault] = this.#document.errors;
    if (fault !== undefined)
      throw new SignalboxError(
        'CONFIG_SYNTAX',
        `\`${path}\` cannot be read: ${fault.message.split('\n')[0]}`,
      );
    if (!isMap(this.#document.contents))
      throw new SignalboxError('CONFIG_INVALID', `expected a mapping in \`${path}\``);
  }

  get text(): string {
    return this.#document.toString({ lineWidth: 0, flowCollectionPadding: true });
  }

  /** Members of `connections`, `agents`. */
  members(section: 'connections' | 'agents' | 'tools'): JsonObject {
    const value: unknown = this.#value()[section];
    return isJsonObject(value) ? value : {};
  }

  connection(name: string, value: JsonObject): void {
    this.#put(['connections', name], value);
  }

  /** Takes out what was put in. */
  forget(name: string): void {
    this.#document.deleteIn(['connections', name]);
  }

  serve(name: string, serving: JsonObject): void {
    this.#put(['connections', name, 'serve'], serving);
  }

  /** The server and its own name of a tool that is served under this name, or named by it alone; null: none is. */
  servedAs(name: string): [connection: string, tool: string] | null {
    for (const [connection, value] of Object.entries(this.members('connections'))) {
      const serve = isJsonObject(value) && isJsonObject(value.serve) ? value.serve : {};
      const tools = isJsonObject(serve.tools) ? serve.tools : {};
      const tool = name.startsWith(`${connection}_`) ? name.slice(connection.length + 1) : name;
      if (Object.hasOwn(tools, tool) && tools[tool] !== false) return [connection, tool];
    }
    return null;
  }

  withhold(connection: string, tool: string): void {
    this.#document.setIn(['connections', connection, 'serve', 'tools', tool], false);
  }

  /** What it is granted already is left alone. */
  grant({ agent, owner, tools }: Granting): void {
    if (!Object.hasOwn(this.members('agents'), agent)) this.#put(['agents', agent], { owner });
    const held = this.grantsOf(agent);
    const missing = tools.filter((tool) => !held.has(tool));
    if (missing.length === 0) return;
    const node = this.#document.createNode({ agent, tools: missing, rung: 'approve' });
    const grants = this.#document.get('grants', true);
    if (isSeq(grants)) {
      if (grants.items.length === 0) grants.flow = false;
      grants.add(node);
    } else
      this.#document.set(
        'grants',
        this.#document.createNode([{ agent, tools: missing, rung: 'approve' }]),
      );
  }

  grantsOf(agent: string): ReadonlySet<string> {
    const { grants } = this.#value();
    const own = Array.isArray(grants) ? (grants as readonly Json[]) : [];
    return new Set(
      own.flatMap((grant) =>
        isJsonObject(grant) && grant.agent === agent && Array.isArray(grant.tools)
          ? grant.tools.map(String)
          : [],
      ),
    );
  }

  /** Is there such a connection, whatever it serves? */
  holds(name: string, value: JsonObject): boolean {
    const known = this.members('connections')[name];
    if (!isJsonObject(known)) return false;
    const { serve: _, ...rest } = known;
    return canonical(rest) === canonical(value);
  }

  #put(path: readonly string[], value: Json): void {
    const [section = ''] = path;
    const there = this.#document.get(section, true);
    if (isMap(there)) {
      if (there.items.length === 0) there.flow = false;
    } else this.#document.set(section, this.#document.createNode({}));
    this.#document.setIn([...path], this.#document.createNode(value));
  }

  #value(): JsonObject {
    const value: unknown = this.#document.toJS();
    return isJsonObject(value) ? value : {};
  }
}

function fresh(): Document {
  const document = new Document({
    version: 1,
    organisation: { name: 'my-organisation', domains: [] },
    connections: {},
    agents: {},
    grants: [],
  });
  document.commentBefore =
    ' Written by `signalbox adopt`. This file proposes; only `signalbox apply` puts it in force.\n Secrets never stand here.';
  return document;
}
