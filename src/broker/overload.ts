import type { Clock, Doors, Timer } from '../domain/doors.ts';
import type { Store } from '../domain/store.ts';

const EVERY_MS = 10_000;

/**
 * Refusals because too much was under way, as events of the system chain:
 *   quiet → noting     the first refusal is noted at once
 *   noting → noting    every ten seconds, with how many were refused since
 *   noting → quiet     ten seconds without one
 * One note for many refusals: a flood must not fill the ledger.
 */
export class Overload {
  readonly #store: Pick<Store, 'commit'>;
  readonly #doors: Pick<Doors, 'timers'> & { readonly clock: Clock };
  readonly #where: string;
  readonly #tell: (refused: number) => void;
  #refused = 0;
  #window: Timer | null = null;

  /** `where`: which door, in one word. */
  constructor(
    store: Pick<Store, 'commit'>,
    doors: Doors,
    where: string,
    tell: (refused: number) => void = () => {},
  ) {
    this.#tell = tell;
    this.#store = store;
    this.#doors = doors;
    this.#where = where;
  }

  /** One more was refused. */
  refused(): void {
    this.#refused++;
    if (this.#window === null) this.#note();
  }

  close(): void {
    this.#window?.cancel();
    this.#window = null;
  }

  #note(): void {
    const { timers, clock } = this.#doors;
    const refused = this.#refused;
    this.#refused = 0;
    this.#window =
      refused === 0
        ? null
        : timers.after(EVERY_MS, () => {
            this.#note();
          });
    if (refused === 0) return;
    this.#tell(refused);
    const body = { where: this.#where, refused };
    this.#store
      .commit({ kind: 'system.note', type: 'overload', body, at: clock.now() })
      // the store may be what is full: told with the next ones
      .catch(() => {
        this.#refused += refused;
      });
  }
}
