import type { Timer } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { UNDECLARED_INTENT } from '../../domain/run.ts';
import type { Governed } from '../runs/governed.ts';

/**
 * Runs for clients that come with an agent's own secret and declare nothing: one per secret and client, begun at its
 * first call, ended after 15 idle minutes. A client that renames itself gets another run, so a halt on one of them
 * keeps its secret from opening a new one.
 */
const IDLE_MS = 15 * 60_000;
const SWEEP_MS = 60_000;
const MAX_PER_TOKEN = 16;

interface Entry {
  readonly tokenHash: string;
  readonly run: Promise<{ readonly id: string; readonly expiresAt: number }>;
  lastUsed: number;
  calls: number;
}

export class ImplicitRuns {
  readonly #governed: Governed;
  readonly #entries = new Map<string, Entry>();
  readonly #sweeping: Timer;

  constructor(governed: Governed) {
    this.#governed = governed;
    const { timers } = governed.broker.doors;
    this.#sweeping = timers.every(SWEEP_MS, () => this.sweep());
  }

  /** Runs `call` with the run of this secret and client. Throws OVERLOADED, HALTED, AGENT_UNKNOWN. */
  async during<T>(
    who: { readonly agent: string; readonly tokenHash: string; readonly client: string },
    call: (runId: string) => Promise<T>,
  ): Promise<T> {
    const key = `${who.tokenHash} ${who.client}`;
    const { clock } = this.#governed.broker.doors;
    let entry = this.#entries.get(key);
    if (entry !== undefined && (await entry.run).expiresAt <= clock.now()) {
      this.#forget(key, entry, 'its time was over');
      entry = undefined;
    }
    entry ??= this.#entries.get(key) ?? this.#open(key, who);
    entry.calls++;
    try {
      return await call((await entry.run).id);
    } finally {
      entry.calls--;
      entry.lastUsed = clock.monotonic();
    }
  }

  /** A run that was ended from elsewhere: the next call begins another. */
  async over(runId: string): Promise<void> {
    for (const [key, entry] of this.#entries)
      if ((await entry.run.catch(() => null))?.id === runId) this.#entries.delete(key);
  }

  /** Ends what has been idle too long. */
  sweep(): void {
    const now = this.#governed.broker.doors.clock.monotonic();
    for (const [key, entry] of this.#entries)
      if (entry.calls === 0 && now - entry.lastUsed >= IDLE_MS)
        this.#forgetUnlessHalted(key, entry);
  }

  /** Ends every one of them: nobody could come back to them. */
  async close(): Promise<void> {
    this.#sweeping.cancel();
    const ending = [...this.#entries].map(([key, entry]) =>
      this.#forget(key, entry, 'Signalbox was stopped'),
    );
    await Promise.allSettled(ending);
  }

  #open(key: string, who: { agent: string; tokenHash: string }): Entry {
    const siblings = [...this.#entries.values()].filter(
      ({ tokenHash }) => tokenHash === who.tokenHash,
    );
    if (siblings.length >= MAX_PER_TOKEN)
      throw new SignalboxError(
        'OVERLOADED',
        `${MAX_PER_TOKEN} undeclared runs are open with this secret`,
        { help: 'start runs with `signalbox run --intent "…" -- <command>`' },
      );
    const entry: Entry = {
      tokenHash: who.tokenHash,
      run: this.#begin(who.agent, siblings),
      lastUsed: this.#governed.broker.doors.clock.monotonic(),
      calls: 0,
    };
    this.#entries.set(key, entry);
    entry.run.catch(() => this.#entries.delete(key));
    return entry;
  }

  async #begin(agent: string, siblings: readonly Entry[]): Promise<Awaited<Entry['run']>> {
    const { broker, beginRun } = this.#governed;
    const ids = await Promise.all(siblings.map(async ({ run }) => (await run).id));
    if (await this.#anyHalted(ids))
      throw new SignalboxError('HALTED', 'an undeclared run of this secret is halted');
    return beginRun(broker, { agent, intent: UNDECLARED_INTENT, budget: {} });
  }

  async #anyHalted(ids: readonly string[]): Promise<boolean> {
    if (ids.length === 0) return false;
    const { halts } = await this.#governed.broker.store.haltState();
    const scopes = new Set(ids.map((id) => `run:${id}`));
    return halts.some(({ scope, state }) => state !== 'lifted' && scopes.has(scope));
  }

  async #forgetUnlessHalted(key: string, entry: Entry): Promise<void> {
    const halted = await entry.run
      .then(({ id }) => this.#anyHalted([id]))
      // Store down or never begun: look again at the next sweep.
      .catch(() => true);
    if (!halted && entry.calls === 0) await this.#forget(key, entry, 'it was idle');
  }

  async #forget(key: string, entry: Entry, why: string): Promise<void> {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
    const { broker, endRun } = this.#governed;
    await entry.run.then(({ id }) => endRun(broker, id, why)).catch(() => undefined);
  }
}
