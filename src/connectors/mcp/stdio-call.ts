import type { Deadlined } from './deadlines.ts';
import type { StdioSession } from './stdio-session.ts';
import { type Ask, type Ear, type Reply, WireFault } from './wire.ts';

/** How long a deadline may stand still because the caller is being asked. */
const MAX_ASKED_MS = 15 * 60_000;

/** One request to a child: written → answered | lost. The first end counts. */
export class StdioCall implements Deadlined {
  deadline: number;
  readonly ear: Ear | null;
  readonly #session: StdioSession;
  readonly #ask: Ask;
  readonly #id: number;
  readonly #done: (reply: Reply) => void;
  readonly #failed: (fault: WireFault) => void;
  #settled = false;
  #questions = 0;
  #askedSince = 0;

  constructor(
    session: StdioSession,
    ask: Ask,
    id: number,
    done: (reply: Reply) => void,
    failed: (fault: WireFault) => void,
  ) {
    this.#session = session;
    this.#ask = ask;
    this.ear = ask.ear;
    this.#id = id;
    this.#done = done;
    this.#failed = failed;
    this.deadline =
      ask.timeoutMs === null
        ? Number.POSITIVE_INFINITY
        : session.parts.deadlines.now() + ask.timeoutMs;
  }

  start(): void {
    this.#session.parts.deadlines.add(this);
    this.#ask.signal?.addEventListener('abort', this);
    if (this.ear !== null) this.ear.onRefused = () => this.handleEvent();
  }

  answered(reply: Reply, length: number): void {
    const { maxBytes } = this.#ask;
    const words = `\`${this.#session.parts.place}\`: it answered with more than ${maxBytes} bytes`;
    if (length <= maxBytes) this.#settle(reply, null, false);
    else this.#settle(null, new WireFault('CONNECTOR_REFUSED', words, true), false);
  }

  lost(fault: WireFault): void {
    this.#settle(null, fault, false);
  }

  questioned(more: 1 | -1): void {
    const now = this.#session.parts.deadlines.now();
    if (more === 1 && this.#questions === 0) this.#askedSince = now;
    this.#questions += more;
    if (this.#questions === 0) this.deadline += now - this.#askedSince;
  }

  /** The caller is gone, or a halt came. */
  handleEvent(): void {
    const words = 'the call was aborted after it was sent';
    this.#settle(null, new WireFault('CONNECTOR_ABORTED', words, true), true);
  }

  expire(): void {
    const { deadlines, place } = this.#session.parts;
    if (this.#questions > 0 && deadlines.now() - this.#askedSince < MAX_ASKED_MS) return;
    const words = `\`${place}\` gave no answer in ${this.#ask.timeoutMs} ms`;
    this.#settle(null, new WireFault('CONNECTOR_TIMEOUT', words, true), true);
  }

  #settle(reply: Reply | null, fault: WireFault | null, cancel: boolean): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#session.forget(this.#id, cancel);
    this.#session.parts.deadlines.remove(this);
    this.#ask.signal?.removeEventListener('abort', this);
    if (reply !== null) this.#done(reply);
    else if (fault !== null) this.#failed(fault);
  }
}
