import type { HaltScope } from '../domain/halt.ts';

/** A stream that is open to a client with no call in it, with the scopes whose halt must close it. */
export interface OpenStream {
  readonly scopes: readonly HaltScope[];
  end(): void;
}

/** Streams that a halt closes itself: those of calls end with their flights. */
export class OpenStreams {
  readonly #open = new Set<OpenStream>();

  add(stream: OpenStream): void {
    this.#open.add(stream);
  }

  remove(stream: OpenStream): void {
    this.#open.delete(stream);
  }

  /** Closes those in `scope`; how many. */
  end(scope: HaltScope): number {
    const hit = this.#in(scope);
    for (const stream of hit) {
      this.#open.delete(stream);
      stream.end();
    }
    return hit.length;
  }

  count(scope: HaltScope): number {
    return this.#in(scope).length;
  }

  #in(scope: HaltScope): OpenStream[] {
    return [...this.#open].filter(({ scopes }) => scopes.includes(scope));
  }
}
