/** The part of an AbortSignal that a call needs; an AbortSignal will do. */
export interface StopSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: Listener, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: Listener): void;
}

type Listener = (() => void) | { handleEvent(): void };

/**
 * An AbortController that is its own signal. Every call is given two and hardly any is used, so it must cost next to
 * nothing: the native pair with a listener is several microseconds. A listener is called once.
 */
export class Stop implements StopSignal {
  aborted = false;
  reason: unknown;
  #listeners: Listener[] | null = null;

  get signal(): StopSignal {
    return this;
  }

  /** The first reason counts. */
  abort(reason: unknown = new Error('aborted')): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = this.#listeners ?? [];
    this.#listeners = null;
    for (const listener of listeners) {
      try {
        if (typeof listener === 'function') listener();
        else listener.handleEvent();
      } catch (error) {
        // the others must hear of it too; like a native signal's, the fault is nobody's to catch
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_: 'abort', listener: Listener): void {
    if (this.aborted) return;
    this.#listeners ??= [];
    if (!this.#listeners.includes(listener)) this.#listeners.push(listener);
  }

  removeEventListener(_: 'abort', listener: Listener): void {
    const at = this.#listeners?.indexOf(listener) ?? -1;
    if (at !== -1) this.#listeners?.splice(at, 1);
  }
}
