import { createHash } from 'node:crypto';

const KEPT = 40;

/** What happened, in order: its hash says whether two lives were the same, its last lines tell what went wrong. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #last: string[] = [];
  lines = 0;

  add(line: string): void {
    this.lines++;
    this.#hash.update(`${line}\n`);
    this.#last.push(line);
    if (this.#last.length > KEPT) this.#last.shift();
  }

  last(): readonly string[] {
    return this.#last;
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
