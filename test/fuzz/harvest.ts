/** What a listener gave out and takes back: states, cursors, sessions, event ids. A few of each are kept. */
import type { Chance } from './chance.ts';

export type Kind = 'state' | 'cursor' | 'session' | 'event';

const KEPT = 256;
const PATTERNS: readonly (readonly [Kind, RegExp])[] = [
  ['state', /"requestState":"([^"\\]{1,4000})"/],
  ['cursor', /"nextCursor":"([^"\\]{1,2000})"/],
  ['session', /\r\nmcp-session-id: *([\x21-\x7e]{1,200})\r\n/i],
  ['event', /\nid: *([^\r\n]{1,200})/],
];

export class Harvest {
  readonly #found: { readonly [K in Kind]: string[] } = {
    state: [],
    cursor: [],
    session: [],
    event: [],
  };
  #turn = 0;

  take(answer: string): void {
    for (const [kind, pattern] of PATTERNS) {
      const found = pattern.exec(answer)?.[1];
      if (found !== undefined) this.#found[kind][this.#turn++ % KEPT] = found;
    }
  }

  /** One of them, or something that never was one. */
  any(chance: Chance, kind: Kind): string {
    const of = this.#found[kind];
    return of[chance.upTo(Math.max(1, of.length))] ?? 'bm90LW91cnM';
  }
}
