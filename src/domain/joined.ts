/**
 * Work that is done once for all who ask before it begins, one at a time: everybody gets what was found after they asked,
 * and however many ask, no more than one more waits.
 */
export class Joined<T> {
  readonly #work: () => Promise<T>;
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<T> | null = null;

  constructor(work: () => Promise<T>) {
    this.#work = work;
  }

  ask(): Promise<T> {
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      const work = this.#work();
      this.#running = work.catch(() => {});
      return work;
    });
    return this.#next;
  }
}
