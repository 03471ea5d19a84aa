import type { Dispatcher } from 'undici';

export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Who wants to know what becomes of one HTTP request. Called in this order; the last is one of `end` and `fail`. */
export interface LegOwner {
  head(status: number, headers: Headers): void;
  data(chunk: Buffer): void;
  end(): void;
  fail(error: Error): void;
}

/**
 * One HTTP request on its way:
 *   waiting → sent → ended | failed
 * Nothing can have happened at the server while it is `waiting`. Sent once: undici may not try it again.
 */
export class Leg implements Dispatcher.DispatchHandler {
  readonly #owner: LegOwner;
  #controller: Dispatcher.DispatchController | null = null;
  #over = false;

  constructor(owner: LegOwner) {
    this.#owner = owner;
  }

  get sent(): boolean {
    return this.#controller !== null;
  }

  /** Ends it without another word to its owner, and its socket with it. */
  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#controller?.abort(new Error('the call is over'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#over || this.#controller !== null) controller.abort(new Error('the call is over'));
    else this.#controller = controller;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (!this.#over && status >= 200) this.#owner.head(status, headers);
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#over) this.#owner.data(chunk);
  }

  onResponseEnd(): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.fail(error);
  }
}

export function headerOf(headers: Headers, name: string): string {
  const value = headers[name];
  return (typeof value === 'string' ? value : value?.[0]) ?? '';
}
