import { LocalHalts } from '../../src/broker/local-halts.ts';
import { type HaltFile, readHaltFile } from '../../src/domain/halt-file.ts';
import type { House } from './house.ts';
import type { Model } from './model.ts';
import type { World } from './world.ts';

/** A file is looked at this often in production; here only as long as there is something to see. */
const LOOK_MS = 100;
/** While it waits to be recorded: an hour without a store has fewer looks. */
const LOOK_AGAIN_MS = 2_000;

/**
 * The machine of one replica, with whoever has a shell there: a halt file that outlives every crash, and signals. A line
 * may be seen before its end is written. What is taken out of the file must be a halt of the store.
 */
export class Machine implements HaltFile {
  readonly #world: World;
  readonly #model: Model;
  #text: string | null = null;
  /** The halt number of the store when the line was written. */
  readonly #written = new Map<string, number>();
  #looking: { readonly house: House; readonly halts: LocalHalts; isDue: boolean } | null = null;
  #lines = 0;
  /** Lines whose end is still to be written. */
  #unfinished = 0;

  constructor(world: World, model: Model) {
    this.#world = world;
    this.#model = model;
  }

  /** As src/system.ts does it: what was written while nothing ran here stands before the first call. */
  async start(house: House): Promise<void> {
    const halts = new LocalHalts(house.broker, this, () => undefined);
    this.#looking = { house, halts, isDue: false };
    await halts.settled();
    this.#lookSoon();
  }

  get isEmpty(): boolean {
    return this.#text === null && this.#unfinished === 0;
  }

  /** Somebody writes a line, at once or its end a moment later. */
  write(scope: string): void {
    const { schedule, random } = this.#world;
    const line = `${scope} by hand ${++this.#lines}`;
    this.#world.count('localHalts');
    const whole = random.chance(0.7);
    const first = whole ? `${line}\n` : line.slice(0, random.int(0, line.length));
    this.#append(first, line);
    if (whole) return;
    this.#unfinished++;
    schedule.after(random.latency(400), 'world', 'the end of a line', () => {
      this.#unfinished--;
      this.#append(`${line.slice(first.length)}\n`, line);
    });
  }

  /** SIGUSR2. */
  signal(): void {
    const { house, halts } = this.#looking ?? {};
    if (house === undefined || !this.#world.schedule.living.has(house.incarnation)) return;
    this.#world.count('signals');
    this.#world.tell(`signal to incarnation ${house.incarnation}`);
    void halts?.now(`signal ${++this.#lines}`);
  }

  async read(): Promise<string | null> {
    return this.#text;
  }

  async add(line: string): Promise<void> {
    this.#append(`${line}\n`, line);
  }

  async clear(text: string): Promise<boolean> {
    if (this.#text === null || !this.#text.startsWith(text)) return false;
    const more = this.#text.slice(text.length);
    this.#text = more === '' ? null : more;
    this.#world.tell(`halt file cleared of ${JSON.stringify(text)}`);
    for (const { scope, reason } of readHaltFile(text)) {
      const since = this.#written.get(`${scope} ${reason}`) ?? 0;
      const stands = [...this.#model.halts].some(
        ([epoch, halt]) => halt.scope === scope && epoch > since,
      );
      this.#world.require(stands, 'halt_is_total', `the local halt of ${scope} is forgotten`);
    }
    return more === '';
  }

  #append(text: string, line: string): void {
    this.#world.tell(`halt file says ${JSON.stringify(text)} more`);
    this.#text = (this.#text ?? '') + text;
    if (!this.#written.has(line)) this.#written.set(line, this.#model.epoch);
    this.#lookSoon();
  }

  #lookSoon(ms = this.#world.random.int(1, LOOK_MS)): void {
    const looking = this.#looking;
    if (looking === null || looking.isDue) return;
    const { house, halts } = looking;
    const { local } = house.broker;
    if (this.#text === null && local.size === 0) return;
    looking.isDue = true;
    this.#world.schedule.after(ms, house.incarnation, 'timer', () => {
      looking.isDue = false;
      void halts.look().then(() => {
        const isWhole = this.#text?.endsWith('\n') ?? true;
        if (this.#looking === looking) this.#lookSoon(isWhole ? LOOK_AGAIN_MS : LOOK_MS);
      });
    });
  }
}
