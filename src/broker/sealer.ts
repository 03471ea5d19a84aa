import type { AlertDesk } from '../domain/alert.ts';
import type { Doors, Timer } from '../domain/doors.ts';
import { exposed } from '../domain/errors.ts';
import type { Store } from '../domain/store.ts';

const EVERY_MS = 1_000;
/** Records in one commit: a millisecond of hashing, so that a call that shares the commit does not feel it. */
const AT_ONCE = 256;
/** Between two commits of one round, for the same reason. */
const BREATH_MS = 4;
/** Commits of the last round, when the process ends. */
const LAST_COMMITS = 64;

/** So many that still wait when a commit has taken its share are more than a busy moment leaves. */
const BEHIND = 10_000;
/** Nothing could be sealed for so long: not just a store that was restarted. */
const FAILING_MS = 30_000;

/** A signed checkpoint (ledger/checkpoint.ts), to be kept where nobody who can write the store can write. */
export interface Published {
  readonly note: string;
  readonly at: number;
}

/**
 * Seals records off the write path:
 *   resting → sealing   every second, when records wait
 *   sealing → sealing   so many records a commit, with a breath between; a checkpoint a second
 *   sealing → resting   none waits, another replica seals, or the store did not take it
 *   any     → closed    after a last round
 * What is not sealed can still be rewritten by who can write the store: `seal.behind` is told when much waits, or for long.
 */
export class Sealer {
  readonly #store: Pick<Store, 'commit' | 'seal'>;
  readonly #doors: Doors;
  readonly #publish: (checkpoint: Published) => void;
  readonly #log: (line: string) => void;
  readonly #alerts: AlertDesk;
  readonly #behind: number;
  readonly #timer: Timer;
  #round: Promise<void> | null = null;
  #isClosing = false;
  #failingSince: number | null = null;

  constructor(parts: {
    readonly store: Pick<Store, 'commit' | 'seal'>;
    readonly doors: Doors;
    readonly publish: (checkpoint: Published) => void;
    readonly log: (line: string) => void;
    readonly alerts: AlertDesk;
    readonly behind?: number;
  }) {
    this.#store = parts.store;
    this.#doors = parts.doors;
    this.#publish = parts.publish;
    this.#log = parts.log;
    this.#alerts = parts.alerts;
    this.#behind = parts.behind ?? BEHIND;
    this.#timer = parts.doors.timers.every(EVERY_MS, () => void this.seal());
  }

  /** One round; resolves when it is over, whatever became of it. */
  seal(): Promise<void> {
    this.#round ??= this.#sealAll()
      .then(
        () => this.#recovered(),
        (error: unknown) => this.#failed(error),
      )
      .finally(() => {
        this.#round = null;
      });
    return this.#round;
  }

  /** Seals what there is, for as long as that does not hold up the end. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#timer.cancel();
    await this.#round;
    await this.seal();
  }

  async #sealAll(): Promise<void> {
    const { clock } = this.#doors;
    const seal = await this.#store.seal();
    if (seal !== null && seal.unsealed === 0 && seal.checkpoint !== null) return;
    let signed = clock.monotonic();
    for (let commits = 1; ; commits++) {
      const at = clock.now();
      const isDue = clock.monotonic() - signed >= EVERY_MS;
      const sealed = await this.#store.commit({
        ...{ kind: 'ledger.seal', most: AT_ONCE, at },
        sign: isDue || (this.#isClosing && commits === LAST_COMMITS),
      });
      if (!sealed.ok) return;
      if (sealed.left >= this.#behind)
        this.#alerts.tell('seal.behind', { left: sealed.left }, 'left');
      if (sealed.checkpoint !== null) {
        signed = clock.monotonic();
        this.#publish({ note: sealed.checkpoint, at });
      }
      if (sealed.left === 0 || (this.#isClosing && commits >= LAST_COMMITS)) return;
      if (!this.#isClosing) await this.#breathe();
    }
  }

  #breathe(): Promise<void> {
    return new Promise((resolve) => {
      this.#doors.timers.after(BREATH_MS, resolve);
    });
  }

  #recovered(): void {
    if (this.#failingSince !== null) this.#log('sealer: records are sealed again');
    this.#failingSince = null;
  }

  /** Records stay unsealed and are taken up by a later round; calls go on, their chains hold them meanwhile. */
  #failed(error: unknown): void {
    const { code, message } = exposed(error);
    if (this.#isClosing) return;
    if (this.#failingSince === null)
      this.#log(`sealer: records are not sealed: ${code}: ${message}`);
    const now = this.#doors.clock.monotonic();
    this.#failingSince ??= now;
    const failingMs = Math.round(now - this.#failingSince);
    if (failingMs >= FAILING_MS) this.#alerts.tell('seal.behind', { code, failingMs }, 'failing');
  }
}
