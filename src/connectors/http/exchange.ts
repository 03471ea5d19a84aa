import type { Dispatcher } from 'undici';
import type { Timers } from '../../domain/doors.ts';
import type { StopSignal } from '../../domain/stop.ts';
import type { Request } from './request.ts';
import type { Target } from './targets.ts';

/**
 * One request and its answer:
 *   waiting → sent → answered
 *   waiting | sent → lost        connection, deadline, abort
 * Nothing can have happened at the target while it is `waiting`. From `sent` on, only an answer says what happened.
 */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** At most `maxBytes`. */
  readonly body: Buffer;
  /** The answer was longer and the rest was not read. */
  readonly cut: boolean;
}

export class Lost extends Error {
  readonly sent: boolean;
  readonly why: 'deadline' | 'aborted' | 'connection';
  constructor(sent: boolean, why: Lost['why'], cause: unknown) {
    super(`the request was lost (${why})`, { cause });
    this.name = 'Lost';
    this.sent = sent;
    this.why = why;
  }
}

export interface Terms {
  readonly timers: Timers;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal: StopSignal;
}

/** Sends once, never again. Rejects with Lost only. */
export function exchange(target: Target, request: Request, terms: Terms): Promise<Answer> {
  if (terms.signal.aborted) return Promise.reject(new Lost(false, 'aborted', terms.signal.reason));
  target.busy++;
  return new Promise<Answer>((answered, failed) => {
    const handler = new Handler(terms, answered, failed, () => {
      target.busy--;
    });
    try {
      target.pool.dispatch({ ...request, idempotent: false }, handler);
    } catch (error) {
      handler.lose('connection', error);
    }
  });
}

/** Undici's callbacks for one request; the first end counts, whatever comes after it. */
class Handler implements Dispatcher.DispatchHandler {
  readonly #terms: Terms;
  readonly #answered: (answer: Answer) => void;
  readonly #failed: (error: Lost) => void;
  readonly #over: () => void;
  readonly #timer: { cancel(): void };
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | null = null;
  #status = 0;
  #headers: Answer['headers'] = {};
  #length = 0;
  #ended = false;

  constructor(
    terms: Terms,
    answered: (answer: Answer) => void,
    failed: (error: Lost) => void,
    over: () => void,
  ) {
    this.#terms = terms;
    this.#answered = answered;
    this.#failed = failed;
    this.#over = over;
    this.#timer = terms.timers.after(terms.timeoutMs, () => this.lose('deadline', null));
    terms.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Ended while it waited for a socket, or undici would send it a second time: neither may reach the target.
    if (this.#ended || this.#controller !== null) controller.abort(new Error('the call is over'));
    else this.#controller = controller;
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Answer['headers'],
  ): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return;
    const room = this.#terms.maxBytes - this.#length;
    this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    this.#length += Math.min(chunk.length, room);
    if (chunk.length > room) this.#answer(true);
  }

  onResponseEnd(): void {
    this.#answer(false);
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.lose('connection', error);
  }

  lose(why: Lost['why'], cause: unknown): void {
    if (!this.#end()) return;
    this.#failed(new Lost(this.#controller !== null, why, cause));
    this.#controller?.abort(new Error('the call is over'));
  }

  readonly #onAbort = (): void => this.lose('aborted', this.#terms.signal.reason);

  #answer(cut: boolean): void {
    if (!this.#end()) return;
    this.#answered({
      status: this.#status,
      headers: this.#headers,
      body: Buffer.concat(this.#chunks),
      cut,
    });
    // The rest of a long answer is not wanted, and neither is its socket.
    if (cut) this.#controller?.abort(new Error('the answer is long enough'));
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#timer.cancel();
    this.#terms.signal.removeEventListener('abort', this.#onAbort);
    this.#over();
    return true;
  }
}
