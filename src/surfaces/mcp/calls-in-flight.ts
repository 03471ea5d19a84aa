import { SignalboxError } from '../../domain/errors.ts';
import type { Stop } from '../../domain/stop.ts';
import type { Id } from '../../protocols/mcp/message.ts';

/** One call under way. */
export interface InFlight {
  /** Session, or token where there is none: ids are one client's own. */
  readonly place: string;
  readonly id: Id;
  readonly abort: Stop;
}

/**
 * The calls of each caller (by token) that are under way: bounds how many, tells when an id is in use, and finds the
 * call that a legacy client cancels by id.
 */
export class CallsInFlight {
  /** Lists: they are short, and a Set that is filled and emptied all the time keeps what was in it (domain/roster.ts). */
  readonly #callers = new Map<string, InFlight[]>();
  readonly #max: number;

  constructor(maxPerCaller: number) {
    this.#max = maxPerCaller;
  }

  has(caller: string, place: string, id: Id): boolean {
    const calls = this.#callers.get(caller);
    if (calls === undefined) return false;
    for (const call of calls) if (call.id === id && call.place === place) return true;
    return false;
  }

  /** Throws OVERLOADED. */
  enter(caller: string, call: InFlight): void {
    const calls = this.#callers.get(caller) ?? [];
    if (calls.length >= this.#max)
      throw new SignalboxError(
        'OVERLOADED',
        `${this.#max} calls with this token are already under way`,
        { help: 'wait for one of them to end' },
      );
    if (calls.push(call) === 1) this.#callers.set(caller, calls);
  }

  leave(caller: string, call: InFlight): void {
    const calls = this.#callers.get(caller) ?? [];
    const place = calls.indexOf(call);
    if (place === -1) return;
    const last = calls.pop();
    if (last !== undefined && last !== call) calls[place] = last;
    if (calls.length === 0) this.#callers.delete(caller);
  }

  /** Aborts the call with this id; does nothing when there is none, or more than one it could be. */
  cancel(caller: string, place: string, id: Id): void {
    const meant = (this.#callers.get(caller) ?? []).filter(
      (call) => call.id === id && call.place === place,
    );
    if (meant.length === 1) meant[0]?.abort.abort(new Error('cancelled by its caller'));
  }
}
