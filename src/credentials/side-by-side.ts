import type { Connection } from '../domain/bundle.ts';

/** In one round; what is beyond goes into the next. */
const MOST = 100;

interface Round<T, R> {
  readonly items: T[];
  readonly done: Promise<readonly R[]>;
}

/**
 * What is asked for at one connection while a session is waited for is done there in one round. `work` calls `close` when
 * it begins, which gives the items, and answers in their order; a fault of it is everybody's.
 */
export class SideBySide<T, R> {
  readonly #work: (connection: Connection, close: () => readonly T[]) => Promise<readonly R[]>;
  readonly #open = new Map<string, Round<T, R>>();

  constructor(work: (connection: Connection, close: () => readonly T[]) => Promise<readonly R[]>) {
    this.#work = work;
  }

  async join(connection: Connection, item: T): Promise<R> {
    const key = JSON.stringify([connection.name, connection.settings, connection.secret]);
    const round = this.#open.get(key) ?? this.#begin(key, connection);
    const place = round.items.push(item) - 1;
    if (round.items.length >= MOST) this.#open.delete(key);
    const answers = await round.done;
    return answers[place] as R;
  }

  #begin(key: string, connection: Connection): Round<T, R> {
    const items: T[] = [];
    const close = (): readonly T[] => {
      if (this.#open.get(key)?.items === items) this.#open.delete(key);
      return items;
    };
    const done = Promise.resolve()
      .then(() => this.#work(connection, close))
      .finally(close);
    const round = { items, done };
    this.#open.set(key, round);
    return round;
  }
}
