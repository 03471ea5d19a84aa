/** The same text, holding on to nothing else: one that was cut out of another keeps the whole of that in memory. */
export function detached(text: string): string {
  return Buffer.from(text).toString();
}
