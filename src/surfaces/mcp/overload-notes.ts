import type { Doors } from '../../domain/doors.ts';
import type { Store } from '../../domain/store.ts';

const EVERY_MS = 1_000;

/** Refusals for want of room, as facts of the system chain: at most one a second, with how many there were. */
export class OverloadNotes {
  readonly #store: Store;
  readonly #doors: Doors;
  readonly #log: (line: string) => void;
  #count = 0;
  #waiting = false;

  constructor(store: Store, doors: Doors, log: (line: string) => void) {
    this.#store = store;
    this.#doors = doors;
    this.#log = log;
  }

  /** The first is written at once, those of the second after it together. */
  refused(): void {
    this.#count++;
    if (this.#waiting) return;
    this.#write();
  }

  #write(): void {
    const refused = this.#count;
    this.#count = 0;
    this.#waiting = true;
    this.#doors.timers.after(EVERY_MS, () => {
      this.#waiting = false;
      if (this.#count > 0) this.#write();
    });
    const at = this.#doors.clock.now();
    this.#store
      .commit({ kind: 'system.note', type: 'overload', body: { surface: 'mcp', refused }, at })
      .catch((error: Error) => this.#log(`an overload could not be noted: ${error.message}`));
  }
}
