/** What a PostgreSQL wrote about the statements it completed (`%n %u ` before each line, every duration logged). */
import type { Effect } from './canary.ts';

const LINE = /^(\d+\.\d+) (\S+) LOG: {2}duration: \S+ ms {2}(statement|execute [^:]*): (.*)$/;
const KEPT = 200_000;

export class StatementLog {
  #effects: Effect[] = [];
  readonly #waiting = new Map<string, () => void>();

  read(line: string): void {
    const [, at, user = '', , text = ''] = LINE.exec(line) ?? [];
    if (at === undefined) return;
    for (const [mark, wake] of this.#waiting)
      if (text.includes(mark)) {
        this.#waiting.delete(mark);
        wake();
      }
    const who = /\bvictim_/.test(text) ? 'victim' : /\bother_/.test(text) ? 'other' : null;
    if (who === null || !user.startsWith('sbxrole_')) return;
    this.#effects.push({ at: Number(at) * 1_000, who, by: 'statement', what: text.slice(0, 120) });
    if (this.#effects.length > KEPT) this.#effects = this.#effects.slice(-KEPT / 2);
  }

  since(at: number): Effect[] {
    return this.#effects.filter((effect) => effect.at >= at);
  }

  /** Resolves when a statement with this text was logged. */
  wait(mark: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(mark, resolve));
  }
}
