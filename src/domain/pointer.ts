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
