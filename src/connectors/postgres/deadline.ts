import { ConnectorFailure } from '../../domain/connector.ts';
import type { Timer, Timers } from '../../domain/doors.ts';
import type { StopSignal } from '../../domain/stop.ts';

/** One call's end: its caller's abort or its time, whichever comes first. The signal's reason is a ConnectorFailure. */
export class Deadline {
  readonly #abort = new AbortController();
  readonly #outer: StopSignal;
  readonly #timer: Timer;

  constructor(outer: StopSignal, ms: number, timers: Timers) {
    this.#outer = outer;
    this.#timer = timers.after(ms, () => {
      const message = `the call took longer than ${ms} ms`;
      this.#abort.abort(new ConnectorFailure('CONNECTOR_TIMEOUT', message, 'none'));
    });
    if (outer.aborted) this.#onOuter();
    else outer.addEventListener('abort', this.#onOuter, { once: true });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** From here on nothing ends the call. */
  clear(): void {
    this.#timer.cancel();
    this.#outer.removeEventListener('abort', this.#onOuter);
  }

  /** The work, or the reason why it was given up; then `giveUp` was called and the work's own end is ignored. */
  async race<T>(work: Promise<T>, giveUp: () => void): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => {
      giveUp();
      reject(this.signal.reason);
    };
    if (this.signal.aborted) onAbort();
    else this.signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([work, promise]);
    } finally {
      this.signal.removeEventListener('abort', onAbort);
      work.catch(() => {});
    }
  }

  readonly #onOuter = (): void => {
    const message = 'the call was aborted by its caller or by a halt';
    this.#abort.abort(new ConnectorFailure('CONNECTOR_ABORTED', message, 'none'));
  };
}
