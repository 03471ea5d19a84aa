import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';

/** One part of an MCP result for a human: what is text as text, everything else by its kind and size. */
export interface Part {
  readonly kind: string;
  /** Null where it is no text. */
  readonly text: string | null;
  readonly bytes: number;
  /** What else is known of it: media type, URI, role. */
  readonly says: readonly string[];
}

/** The parts of a result as recorded (`ToolResult.wire`), in order; members that are no content come last. */
export function partsOfWire(wire: string): readonly Part[] {
  let members: unknown;
  try {
    members = JSON.parse(`{${wire}}`);
  } catch {
    return [part('unreadable', wire)];
  }
  if (!isJsonObject(members)) return [part('unreadable', wire)];
  const { content, contents, messages, isError, ...others } = members;
  const parts = [
    ...listOf(content).map((block) => blockOf(block)),
    ...listOf(contents).map((one) => resourceOf(one, 'resource')),
    ...listOf(messages).map(messageOf),
    ...Object.entries(others)
      .filter(([name]) => name !== 'resultType')
      .map(([name, value]) => part(name, JSON.stringify(value))),
  ];
  return isError === true
    ? [part('error', 'the target says that the call failed'), ...parts]
    : parts;
}

/** The same, one line each; a long text is shown by its beginning, with its size. */
export function wireLines(wire: string, most = 400): string[] {
  return partsOfWire(wire).map(({ kind, text, bytes, says }) => {
    const head = [kind, ...says, `${bytes} bytes`].join(', ');
    if (text === null) return head;
    const shown = text.length <= most ? text : `${text.slice(0, most)}…`;
    return `${head}: ${JSON.stringify(shown)}`;
  });
}

/** What a target asked before it went on, by its own keys, one line each. */
export function wantLines(questions: Json | undefined): string[] {
  if (!isJsonObject(questions)) return [];
  return Object.entries(questions).map(([key, question]) => {
    const { method, params } = isJsonObject(question) ? question : {};
    const { message } = isJsonObject(params) ? params : {};
    const words = typeof message === 'string' ? `: ${JSON.stringify(message)}` : '';
    return `${key} (${typeof method === 'string' ? method : 'unknown'})${words}`;
  });
}

function blockOf(block: Json): Part {
  if (!isJsonObject(block)) return part('unknown', JSON.stringify(block));
  const { type, text, data, mimeType, resource, uri } = block;
  if (type === 'text' && typeof text === 'string') return part('text', text);
  if (type === 'resource' && isJsonObject(resource))
    return resourceOf(resource, 'embedded resource');
  const says = [mimeType, uri].filter((each) => typeof each === 'string');
  if (typeof data === 'string')
    return { kind: String(type), text: null, bytes: decodedSize(data), says };
  return { kind: String(type), text: null, bytes: sizeOf(JSON.stringify(block)), says };
}

function resourceOf(given: Json, kind: string): Part {
  if (!isJsonObject(given)) return part('unknown', JSON.stringify(given));
  const { uri, mimeType, text, blob } = given;
  const says = [uri, mimeType].filter((each) => typeof each === 'string');
  if (typeof text === 'string') return { kind, text, bytes: sizeOf(text), says };
  const bytes = typeof blob === 'string' ? decodedSize(blob) : sizeOf(JSON.stringify(given));
  return { kind, text: null, bytes, says };
}

function messageOf(message: Json): Part {
  const { role, content } = isJsonObject(message) ? message : ({} as JsonObject);
  const shown = blockOf(content ?? null);
  return { ...shown, says: [`role ${String(role)}`, ...shown.says] };
}

function part(kind: string, text: string): Part {
  return { kind, text, bytes: sizeOf(text), says: [] };
}

function sizeOf(text: string): number {
  return Buffer.byteLength(text);
}

/** Of base64. */
function decodedSize(data: string): number {
  return Math.floor((data.replace(/=+$/, '').length * 3) / 4);
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
