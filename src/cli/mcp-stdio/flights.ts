/** Requests of one client that wait for an answer. */
const MOST = 64;

export class Flight {
  readonly keys: readonly string[];
  /** What is not answered yet. */
  readonly open: Set<string>;
  readonly #abort = new AbortController();
  modern = false;
  /** The client wants no answer any more. */
  cancelled = false;

  constructor(keys: readonly string[]) {
    this.keys = keys;
    this.open = new Set(keys);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Of the older revisions only the wish is known here: there the server still closes the stream itself. */
  cancel(): void {
    this.cancelled = true;
    if (this.modern) this.#abort.abort();
  }

  abort(): void {
    this.cancelled = true;
    this.#abort.abort();
  }
}

export class Flights {
  readonly #byKey = new Map<string, Flight>();
  #waiting: (() => void)[] = [];

  /** Waits while too many are under way; null when one of the ids is in use. */
  async open(keys: readonly string[]): Promise<Flight | null> {
    while (this.#byKey.size >= MOST) await this.#change();
    if (keys.some((key) => this.#byKey.has(key))) return null;
    const flight = new Flight(keys);
    for (const key of keys) this.#byKey.set(key, flight);
    return flight;
  }

  close(flight: Flight): void {
    for (const key of flight.keys) this.#byKey.delete(key);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  of(key: string): Flight | null {
    return this.#byKey.get(key) ?? null;
  }

  abortAll(): void {
    for (const flight of new Set(this.#byKey.values())) flight.abort();
  }

  async landed(): Promise<void> {
    while (this.#byKey.size > 0) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
