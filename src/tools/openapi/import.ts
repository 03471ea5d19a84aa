import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { type Operation, type ProposedTool, riskOf, toolOf } from './operation.ts';
import { OpenapiFault, References } from './references.ts';
import { credentialOf, serverOf } from './server.ts';

export interface OpenapiTerms {
  /** Name of the connection that is proposed. */
  readonly connection: string;
  /** Where relative servers stand; null: the document must say a whole URL. */
  readonly base: string | null;
  /** Which operations, by id or `METHOD /path`; null for all. */
  readonly chosen: readonly string[] | null;
}

/** What a document proposes. Nothing of it is in force until it was read, written down, planned and applied. */
export interface OpenapiProposal {
  readonly title: string;
  readonly connection: JsonObject;
  readonly tools: readonly ProposedTool[];
  readonly skipped: readonly { readonly operation: string; readonly why: string }[];
  readonly notes: readonly string[];
}

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete'];
const MAX_OPERATIONS = 5_000;
const MAX_TOOLS = 300;

/** Every operation that a document names. Throws OpenapiFault for a document that is none. */
export function operationsOf(document: Json): Operation[] {
  if (!isJsonObject(document) || !/^3\.[0-2]\b/.test(String(document.openapi)))
    throw new OpenapiFault(
      'expected an OpenAPI 3.x document (`openapi: 3.0.3`), got something else',
    );
  const references = new References(document);
  const paths = isJsonObject(document.paths) ? Object.entries(document.paths) : [];
  const found: Operation[] = [];
  for (const [path, given] of paths) {
    const item = references.at(given);
    const shared = Array.isArray(item.parameters) ? (item.parameters as Json[]) : [];
    for (const method of METHODS) {
      const value = item[method];
      if (!isJsonObject(value)) continue;
      if (found.length >= MAX_OPERATIONS)
        throw new OpenapiFault(`it has more than ${MAX_OPERATIONS} operations`);
      const id =
        typeof value.operationId === 'string'
          ? value.operationId
          : `${method.toUpperCase()} ${path}`;
      found.push({ id, method, path, shared, value, ...riskOf(method, value, path) });
    }
  }
  return found;
}

/** Throws OpenapiFault where nothing can be proposed at all. */
export function importOpenapi(document: Json, terms: OpenapiTerms): OpenapiProposal {
  const all = operationsOf(document);
  const root = document as JsonObject;
  const references = new References(root);
  const wanted = chosenOf(all, terms.chosen);
  if (wanted.length > MAX_TOOLS)
    throw new OpenapiFault(
      `${wanted.length} operations are too many tools, at most ${MAX_TOOLS} at once`,
    );
  const url = serverOf(root, terms.base);
  const credential = credentialOf(root, references, `${terms.connection}-token`);
  const tools: ProposedTool[] = [];
  const skipped: { operation: string; why: string }[] = [];
  const names = new Set<string>();
  for (const operation of wanted) {
    try {
      if (operation.value.servers !== undefined)
        throw new OpenapiFault('it has a server of its own; make another connection of it');
      const tool = toolOf(operation, terms.connection, nameOf(operation, names), references);
      names.add(tool.name);
      tools.push(tool);
    } catch (error) {
      if (!(error instanceof OpenapiFault)) throw error;
      skipped.push({ operation: operation.id, why: error.message });
    }
  }
  const info = isJsonObject(root.info) ? root.info : {};
  return {
    title: String(info.title ?? 'untitled').slice(0, 100),
    connection: { kind: 'http', url, ...credential.settings },
    tools,
    skipped,
    notes: credential.notes,
  };
}

function chosenOf(
  all: readonly Operation[],
  chosen: readonly string[] | null,
): readonly Operation[] {
  if (chosen === null) return all;
  return chosen.flatMap((one) => {
    const found = all.filter(
      ({ id, method, path }) => id === one || `${method.toUpperCase()} ${path}` === one,
    );
    if (found.length === 0)
      throw new OpenapiFault(`there is no operation \`${one.slice(0, 100)}\``);
    return found;
  });
}

/** `getPetById` is `get_pet_by_id`. */
function nameOf({ id }: Operation, taken: ReadonlySet<string>): string {
  const plain = id
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
    .replaceAll(/^[^a-z]+|_+$/g, '')
    .slice(0, 60);
  const base = plain === '' ? 'operation' : plain;
  let name = base;
  for (let i = 2; taken.has(name); i++) name = `${base}_${i}`;
  return name;
}
