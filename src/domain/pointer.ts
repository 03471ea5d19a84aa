import { isJsonObject, type Json, type JsonObject } from './json.ts';

/* JSON Pointers, RFC 6901. */

/** The names on the way; what stands before the first `/` is none. */
export function pointerNames(pointer: string): string[] {
  return pointer.split('/').slice(1).map(pointerName);
}

/** One name as it is. */
export function pointerName(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** One name as it stands in a pointer. */
export function pointerToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** What `#/…` leads to in a document, through objects; undefined where it leads out of it or nowhere. */
export function pointed(root: JsonObject, reference: string): Json | undefined {
  if (!reference.startsWith('#/')) return undefined;
  let at: Json | undefined = root;
  for (const name of pointerNames(plain(reference)))
    at = isJsonObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  return at;
}

/** As a fragment of an address it may be escaped as those are (RFC 6901 §6). */
function plain(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
