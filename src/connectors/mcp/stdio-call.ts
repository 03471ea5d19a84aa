import { HALT_ABORT } from '../../domain/halt.ts';
import { type Deadlined, Standstill } from './deadlines.ts';
import type { StdioSession } from './stdio-session.ts';
import { type Ask, type Ear, type Reply, WireFault } from './wire.ts';

/** One request to a child: written → answered | lost. The first end counts. */
export class StdioCall implements Deadlined {
  deadline: number;
  place = -1;
  readonly ear: Ear | null;
  readonly #session: StdioSession;
  readonly #ask: Ask;
  readonly #id: number;
  readonly #done: (reply: Reply) => void;
  readonly #failed: (fault: WireFault) => void;
  readonly #standstill: Standstill;
  #settled = false;

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
    this.#standstill = new Standstill(session.parts.deadlines);
    this.deadline = session.parts.deadlines.after(ask.timeoutMs);
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

  /** Its caller is being asked: the deadline stands still. */
  asked(): void {
    this.#standstill.asked();
  }

  /** The question is over, answered or not. */
  heardBack(): void {
    this.deadline += this.#standstill.answered();
  }

  /** The caller is gone, or a halt came. */
  handleEvent(): void {
    const words = 'the call was aborted after it was sent';
    const halted = this.#ask.signal?.reason === HALT_ABORT;
    if (halted) void this.#session.kill();
    this.#settle(null, new WireFault('CONNECTOR_ABORTED', words, true), !halted);
  }

  expire(): void {
    if (this.#standstill.holds) return;
    const { place } = this.#session.parts;
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
