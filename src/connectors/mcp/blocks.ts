import type { Connection } from '../../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { uriPrefix } from '../../protocols/mcp/upstream-uri.ts';

/** Blocks of a result as they may be handed on, and what had to be left out, in words. */
export interface Blocks {
  readonly blocks: readonly JsonObject[];
  readonly cut: readonly string[];
}

const MAX_BLOCKS = 1_000;

/** Checks the shape of every block and names resources as agents know them. What has no known shape is dropped, and said. */
export function checkedBlocks(content: readonly Json[], connection: Connection): Blocks {
  const prefix = uriPrefix(connection);
  const blocks: JsonObject[] = [];
  let strange = 0;
  for (const block of content.slice(0, MAX_BLOCKS)) {
    if (!isJsonObject(block) || !hasShape(block)) strange++;
    else blocks.push(prefix === '' ? block : renamed(block, prefix));
  }
  const cut: string[] = [];
  if (strange > 0) cut.push(`${counted(strange, 'block')} of no known kind`);
  if (content.length > MAX_BLOCKS) cut.push(`${counted(content.length - MAX_BLOCKS, 'block')}`);
  return { blocks, cut };
}

function hasShape(block: JsonObject): boolean {
  switch (block.type) {
    case 'text':
      return typeof block.text === 'string';
    case 'image':
    case 'audio':
      return typeof block.data === 'string' && typeof block.mimeType === 'string';
    case 'resource_link':
      return typeof block.uri === 'string';
    case 'resource':
      return isJsonObject(block.resource) && isContents(block.resource);
    case 'tool_use':
    case 'tool_result':
      return true;
    default:
      return false;
  }
}

/** What a resource holds: a text or bytes, under a URI. */
export function isContents({ uri, text, blob }: JsonObject): boolean {
  return typeof uri === 'string' && (typeof text === 'string' || typeof blob === 'string');
}

function renamed(block: JsonObject, prefix: string): JsonObject {
  if (block.type === 'resource_link') return { ...block, uri: prefix + String(block.uri) };
  if (block.type !== 'resource' || !isJsonObject(block.resource)) return block;
  return { ...block, resource: { ...block.resource, uri: prefix + String(block.resource.uri) } };
}

/**
 * As many of the blocks as fit into `room` bytes, in their order. A text is cut where it must be; what cannot be cut is
 * dropped whole.
 */
export function fitted(blocks: readonly JsonObject[], room: number): Blocks & { left: number } {
  const kept: JsonObject[] = [];
  const cut: string[] = [];
  let left = room;
  for (const block of blocks) {
    const size = Buffer.byteLength(JSON.stringify(block)) + 1;
    if (size <= left) {
      kept.push(block);
      left -= size;
      continue;
    }
    const shorter = cutText(block, size, left);
    if (shorter !== null) {
      kept.push(shorter.block);
      cut.push(`a text of ${shorter.of} bytes was cut after ${shorter.bytes}`);
      left = 0;
    } else cut.push(`${nameOf(block)} of ${size} bytes was left out`);
  }
  return { blocks: kept, cut, left };
}

function nameOf({ type }: JsonObject): string {
  return type === 'text' ? 'a text' : `a block \`${String(type)}\``;
}

/** The serialised form may be longer than the text: what is cut is scaled by it, and then measured. */
function cutText(
  block: JsonObject,
  size: number,
  left: number,
): { block: JsonObject; bytes: number; of: number } | null {
  if (block.type !== 'text') return null;
  const bytes = Buffer.from(String(block.text));
  const rest = size - Buffer.byteLength(JSON.stringify(block.text));
  if (left - rest < 16) return null;
  for (let wanted = left - rest; wanted > 0; wanted = Math.floor(wanted * 0.8)) {
    const part = decodeWhole(bytes.subarray(0, wanted));
    const shorter = { ...block, text: part };
    if (Buffer.byteLength(JSON.stringify(shorter)) + 1 <= left)
      return { block: shorter, bytes: Buffer.byteLength(part), of: bytes.length };
  }
  return null;
}

/** A cut may fall inside a character: what is left of it goes. */
function decodeWhole(bytes: Buffer): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true });
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? ' was' : 's were'} left out`;
}
