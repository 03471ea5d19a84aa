interface Asked<Q, A> {
  readonly query: Q;
  resolve(answer: A): void;
  reject(error: unknown): void;
}

/** Puts the questions of one turn of the event loop together and asks them at once. */
export class Together<Q, A> {
  readonly #ask: (queries: readonly Q[]) => Promise<readonly A[]>;
  readonly #soon: (flush: () => void) => void;
  #asked: Asked<Q, A>[] = [];

  constructor(
    ask: (queries: readonly Q[]) => Promise<readonly A[]>,
    soon: (flush: () => void) => void,
  ) {
    this.#ask = ask;
    this.#soon = soon;
  }

  ask(query: Q): Promise<A> {
    return new Promise((resolve, reject) => {
      if (this.#asked.length === 0) this.#soon(() => void this.#flush());
      this.#asked.push({ query, resolve, reject });
    });
  }

  async #flush(): Promise<void> {
    const asked = this.#asked;
    this.#asked = [];
    try {
      const answers = await this.#ask(asked.map(({ query }) => query));
      for (const [place, { resolve }] of asked.entries()) resolve(answers[place] as A);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}
