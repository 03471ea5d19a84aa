import { type Halt, LOCAL } from '../domain/halt.ts';
import { type HaltFile, haltLine, type LocalHalt, readHaltFile } from '../domain/halt-file.ts';
import { bringDown } from './bring-down.ts';
import type { Broker } from './broker.ts';
import { raise } from './halt.ts';
import { runsOf } from './local-gate.ts';

/** A file is looked at this often: it acts within 250 ms, as the freshness bound's poll does. */
const LOOK_MS = 100;

/**
 * Halts of this machine that need no store, by the file `HALT` or by a signal:
 *   unseen → closed here      gather and inject refuse, flights are aborted, children killed, known leases revoked
 *          → recorded         the store is back: raised there like any other, by `local`; the gate here is the store's now
 * The line stays in the file until it is recorded, so that a restart finds it; nothing here lifts anything.
 */
export class LocalHalts {
  readonly #broker: Broker;
  readonly #file: HaltFile;
  readonly #log: (line: string) => void;
  /** Lines that were recorded and could not be taken out of the file. */
  readonly #recorded = new Set<string>();
  #looking: Promise<void> | null = null;
  #recording: Promise<void> | null = null;
  #complained = '';
  /** A text without an end of line may be half written: it is believed when it is the same at the next look. */
  #unfinished: string | null = null;

  constructor(broker: Broker, file: HaltFile, log: (line: string) => void) {
    this.#broker = broker;
    this.#file = file;
    this.#log = log;
  }

  /** Looks from now on; what stops it is returned. */
  watch(): () => void {
    const timer = this.#broker.doors.timers.every(LOOK_MS, () => void this.look());
    return () => timer.cancel();
  }

  /** A signal: what the file says, and everything when there is none. Remembered in the file. */
  async now(reason: string): Promise<void> {
    const text = await this.#read();
    if (text === null) {
      const halt = { scope: 'all', reason };
      this.#close(halt);
      await this.#file
        .add(haltLine(halt))
        .catch((error: Error) => this.#say(`a restart would forget the halt: ${error.message}`));
    }
    await this.settled();
  }

  /** Closes here what the file names, then tries to record it. Never throws; one look at a time. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  /** Resolves when what stands now is recorded, or could not be. */
  async settled(): Promise<void> {
    await this.look();
    await this.look();
    await this.#recording;
  }

  #believed(text: string | null): string | null {
    const before = this.#unfinished;
    this.#unfinished = text === null || text.endsWith('\n') ? null : text;
    return this.#unfinished === null || before === text ? text : null;
  }

  async #look(): Promise<void> {
    const text = this.#believed(await this.#read());
    if (text === null && this.#broker.local.size === 0) return;
    const halts = text === null ? [] : readHaltFile(text);
    for (const halt of halts) if (!this.#recorded.has(haltLine(halt))) this.#close(halt);
    // a store that hangs must not keep the next look from closing
    this.#recording ??= this.#recordAll(text, halts).finally(() => {
      this.#recording = null;
    });
  }

  async #recordAll(text: string | null, halts: readonly LocalHalt[]): Promise<void> {
    for (const halt of this.#broker.local.halts()) await this.#record(halt);
    if (text !== null && this.#broker.local.size === 0) await this.#clear(text, halts);
  }

  /** The gate first; what it brings down and revokes is not waited for. */
  #close({ scope, reason }: LocalHalt): void {
    const { doors, local } = this.#broker;
    const at = doors.clock.now();
    if (!local.close({ scope, epoch: 0, reason, by: LOCAL, at, state: 'gated' })) return;
    this.#log(`local halt on ${scope}: closed here`);
    this.#broker.alerts.tell('halt.local', { scope, replica: this.#broker.store.replica });
    const runs = runsOf(this.#broker, scope);
    this.#broker.notices.wakeAll();
    bringDown(this.#broker, scope, runs)
      .landed.then((left) => left.length > 0 && this.#log(`still alive: ${left.join(', ')}`))
      .catch(() => {});
    void this.#broker.credentials
      .revokeKnown((lease) => local.coversLease(lease) || runs.has(lease.runId))
      .catch((error: Error) => this.#log(`local halt: ${error.message}`));
  }

  async #record(halt: Halt): Promise<void> {
    const { scope, reason } = halt;
    try {
      const finished = await raise(this.#broker, { scope, reason, by: LOCAL });
      void finished().catch((error: Error) => this.#log(`local halt: ${error.message}`));
    } catch (error) {
      this.#say(`local halt on ${scope} is not recorded yet: ${(error as Error).message}`);
      return;
    }
    this.#recorded.add(haltLine({ scope, reason }));
    this.#broker.local.open(scope);
    this.#log(`local halt on ${scope}: recorded, and in force everywhere`);
  }

  async #clear(text: string, halts: readonly LocalHalt[]): Promise<void> {
    try {
      if (!(await this.#file.clear(text))) return;
      for (const halt of halts) this.#recorded.delete(haltLine(halt));
    } catch (error) {
      this.#say(`the halt file stays, though it is recorded: ${(error as Error).message}`);
    }
  }

  /** A file that is there and cannot be read halts everything. */
  async #read(): Promise<string | null> {
    try {
      return await this.#file.read();
    } catch (error) {
      return `all the halt file cannot be read: ${(error as Error).message}`;
    }
  }

  /** The same complaint ten times a second helps nobody. */
  #say(line: string): void {
    if (line !== this.#complained) this.#log(line);
    this.#complained = line;
  }
}
