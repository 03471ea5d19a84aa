import type { Trying } from '../domain/credential.ts';
import type { Doors } from '../domain/doors.ts';

export interface TriesParts {
  readonly doors: Pick<Doors, 'clock' | 'timers'>;
  /** One line about a source that could not be asked. Never holds a secret. */
  readonly log: (line: string) => void;
  /** Told after every try that did not end one. */
  readonly stuck?: (trying: Trying) => void;
}

const FIRST_MS = 100;
const MOST_MS = 30_000;

/** What is tried until it holds, with growing pauses; who fails to end something is told with every try. */
export class Tries {
  readonly #noun: string;
  readonly #parts: TriesParts;
  readonly #trying = new Map<string, Trying>();
  #closed = false;

  constructor(noun: string, parts: TriesParts) {
    this.#noun = noun;
    this.#parts = parts;
  }

  /** What `attempt` gives, made again while that is null; null once this is closed. What it throws is thrown. */
  async until<T>(attempt: () => Promise<T | null>): Promise<T | null> {
    for (let ms = FIRST_MS; ; ms = Math.min(ms * 2, MOST_MS)) {
      const given = await attempt();
      if (given !== null || this.#closed) return given;
      await new Promise<void>((resolve) => this.#parts.doors.timers.after(ms, resolve));
    }
  }

  /** What cannot be ended must not be forgotten. */
  failed({ id, handle, connection }: Failing, why: string): void {
    const before = this.#trying.get(id);
    const since = before?.since ?? this.#parts.doors.clock.now();
    const trying = { leaseId: id, handle, connection, since, tries: (before?.tries ?? 0) + 1, why };
    this.#trying.set(id, trying);
    this.#parts.log(`${this.#noun} ${handle}: not confirmed dead yet, trying again: ${why}`);
    this.#parts.stuck?.(trying);
  }

  over(id: string): void {
    this.#trying.delete(id);
  }

  all(): readonly Trying[] {
    return [...this.#trying.values()];
  }

  /** No try is followed by another; what is not dead stays in the store, and the next process goes on. */
  close(): void {
    this.#closed = true;
  }
}

interface Failing {
  readonly id: string;
  readonly handle: string;
  readonly connection: string;
}

export function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown fault';
}
