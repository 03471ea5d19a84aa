/** Requests of one client that are carried at once; more of them wait for their turn. */
const MOST = 64;
/** What may wait. Beyond it nothing more is read, not even that a call is cancelled. */
const MOST_WAITING = 1_024;
const MOST_WAITING_CHARACTERS = 16 * 1024 * 1024;

export class Flight {
  readonly keys: readonly string[];
  readonly size: number;
  /** What is not answered yet. */
  readonly open: Set<string>;
  readonly #abort = new AbortController();
  modern = false;
  /** The client wants no answer any more. */
  cancelled = false;

  constructor(keys: readonly string[], size: number) {
    this.keys = keys;
    this.size = size;
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
  readonly #carried = new Set<Flight>();
  readonly #queue = new Map<Flight, () => void>();
  #characters = 0;
  #watching: (() => void)[] = [];

  /** Waits while too much waits; null when one of the ids is in use. `size`: characters kept meanwhile. */
  async open(keys: readonly string[], size: number): Promise<Flight | null> {
    while (this.#queue.size >= MOST_WAITING || this.#characters >= MOST_WAITING_CHARACTERS)
      await this.#change();
    if (keys.some((key) => this.#byKey.has(key))) return null;
    const flight = new Flight(keys, size);
    for (const key of keys) this.#byKey.set(key, flight);
    return flight;
  }

  /** Resolves when this one may be carried, or is not wanted any more. */
  async turn(flight: Flight): Promise<void> {
    if (this.#carried.size >= MOST) {
      this.#characters += flight.size;
      await new Promise<void>((go) => {
        this.#queue.set(flight, go);
        flight.signal.addEventListener('abort', () => go());
      });
      this.#queue.delete(flight);
      this.#characters -= flight.size;
    }
    if (!flight.cancelled) this.#carried.add(flight);
  }

  close(flight: Flight): void {
    for (const key of flight.keys) this.#byKey.delete(key);
    if (this.#carried.delete(flight)) this.#next();
    const watching = this.#watching;
    this.#watching = [];
    for (const go of watching) go();
  }

  #next(): void {
    const [first] = this.#queue;
    if (first === undefined) return;
    this.#queue.delete(first[0]);
    first[1]();
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
    return new Promise((resolve) => this.#watching.push(resolve));
  }
}
