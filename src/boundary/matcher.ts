/**
 * Finds any of many texts in another one, in one pass that mostly skips (after Wu and Manber): how far it may skip at a
 * place depends on three characters there, so a text that holds none of them costs a fraction of its length.
 */
export interface Found {
  readonly at: number;
  readonly length: number;
}

const BLOCK = 3;
const SLOTS = 65_536;

export class Matcher {
  /** The shortest of them; 0 when there are none. */
  readonly shortest: number;
  readonly longest: number;
  readonly #skips = new Uint8Array(SLOTS);
  /** By the block that ends the first `shortest` characters; the longest first. */
  readonly #byEnd = new Map<number, string[]>();

  constructor(texts: readonly string[]) {
    const lengths = texts.map(({ length }) => length).filter((length) => length >= BLOCK);
    this.shortest = lengths.length === 0 ? 0 : Math.min(...lengths);
    this.longest = Math.max(0, ...lengths);
    const most = Math.min(255, this.shortest - BLOCK + 1);
    this.#skips.fill(Math.max(1, most));
    for (const text of [...texts].sort((a, b) => b.length - a.length)) this.#learn(text, most);
  }

  /** The first of them at or after `from`, and the longest that begins there; null when there is none. */
  find(text: string, from = 0): Found | null {
    const { shortest } = this;
    if (shortest === 0) return null;
    const skips = this.#skips;
    let end = from + shortest;
    while (end <= text.length) {
      const slot = slotOf(text, end);
      const skip = skips[slot] ?? 1;
      if (skip !== 0) {
        end += skip;
        continue;
      }
      const at = end - shortest;
      for (const one of this.#byEnd.get(slot) ?? [])
        if (text.startsWith(one, at)) return { at, length: one.length };
      end++;
    }
    return null;
  }

  #learn(text: string, most: number): void {
    if (text.length < BLOCK) return;
    for (let end = BLOCK; end <= this.shortest; end++) {
      const slot = slotOf(text, end);
      const skip = Math.min(most, this.shortest - end);
      if (skip < (this.#skips[slot] ?? 0)) this.#skips[slot] = skip;
    }
    const last = slotOf(text, this.shortest);
    const known = this.#byEnd.get(last);
    if (known === undefined) this.#byEnd.set(last, [text]);
    else known.push(text);
  }
}

function slotOf(text: string, end: number): number {
  const a = text.charCodeAt(end - 3);
  const b = text.charCodeAt(end - 2);
  const c = text.charCodeAt(end - 1);
  return (a * 2_011 + b * 127 + c) & (SLOTS - 1);
}
