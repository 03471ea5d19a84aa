import type { Question } from '../../domain/connector.ts';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Stop, StopSignal } from '../../domain/stop.ts';
import { ProtocolFault } from '../../protocols/mcp/faults.ts';
import type { Waits } from '../../protocols/mcp/request-state.ts';
import { unanswered } from './live-questions.ts';
import type { Turn } from './turn.ts';

/** How long a call stays in the air for a client that was sent away to find answers. */
export const AWAY_MS = 300_000;
const MAX_HELD = 256;

interface Asked {
  readonly question: Question;
  answer(result: JsonObject): void;
  refuse(why: string): void;
}

/**
 * A call in the air whose target has asked something of a modern client, who can only be asked by an answer to its own
 * request. It stays here, in the memory of this replica, while the client is away.
 *   with its client → asked      the target asks
 *   asked → client away          the client is answered `input_required`
 *   client away → with its client  it came back with answers: exactly this call goes on
 *   client away → given up       it did not come back in time: the target's questions are refused
 */
export class HeldCall {
  readonly id: string;
  readonly doors: Doors;
  /** How often its client was sent away. */
  round = 0;
  turn: Turn;
  readonly #asked = new Map<string, Asked>();
  #count = 0;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();
  #back: PromiseWithResolvers<boolean> | null = null;
  #served: (() => void) | null = null;

  readonly #abort: Stop;

  constructor(id: string, turn: Turn, abort: Stop, doors: Doors) {
    this.id = id;
    this.turn = turn;
    this.#abort = abort;
    this.doors = doors;
  }

  ask(question: Question): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      const key = `q${++this.#count}`;
      const answer = (result: JsonObject): void => {
        this.#asked.delete(key);
        resolve(result);
      };
      const refuse = (why: string): void => {
        this.#asked.delete(key);
        reject(unanswered(why));
      };
      this.#asked.set(key, { question, answer, refuse });
      this.#wake.resolve();
    });
  }

  /** Resolves when the target has asked something that the client does not know yet. */
  get wanted(): Promise<void> {
    return this.#wake.promise;
  }

  get questions(): JsonObject {
    return Object.fromEntries(
      [...this.#asked].map(([key, { question }]) => [key, { ...question }]),
    );
  }

  /** The client is being sent away. True when it is back, false when it stayed away too long. */
  away(): Promise<boolean> {
    this.round++;
    this.#served?.();
    this.#served = null;
    const back = Promise.withResolvers<boolean>();
    this.#back = back;
    const timer = this.doors.timers.after(AWAY_MS, () => back.resolve(false));
    return back.promise.finally(() => {
      timer.cancel();
      this.#back = null;
    });
  }

  get isAway(): boolean {
    return this.#back !== null;
  }

  /** Its client is here again. Resolves when this request was answered too, one way or the other. */
  async comeBack(turn: Turn, responses: JsonObject, signal: StopSignal): Promise<void> {
    this.turn = turn;
    const left = (): void => {
      if (this.turn === turn && !this.isAway) this.#abort.abort(signal.reason);
    };
    signal.addEventListener('abort', left, { once: true });
    this.#wake = Promise.withResolvers();
    for (const [key, { answer }] of [...this.#asked]) {
      const response = responses[key];
      if (isJsonObject(response)) answer(response);
    }
    // what was not answered is asked again
    if (this.#asked.size > 0) this.#wake.resolve();
    const served = new Promise<void>((resolve) => {
      this.#served = resolve;
    });
    this.#back?.resolve(true);
    await served;
    signal.removeEventListener('abort', left);
  }

  /** Nobody comes back any more, or the call has been answered. */
  over(): void {
    for (const { refuse } of [...this.#asked.values()]) refuse('its client did not come back');
    this.#served?.();
  }
}

/** The calls of this replica that wait for their clients. */
export class HeldCalls {
  readonly #doors: Doors;
  readonly #held = new Map<string, HeldCall>();

  constructor(doors: Doors) {
    this.#doors = doors;
  }

  hold(turn: Turn, abort: Stop): HeldCall {
    return new HeldCall(this.#doors.entropy.id('held'), turn, abort, this.#doors);
  }

  /** Throws OVERLOADED. */
  keep(call: HeldCall): void {
    if (!this.#held.has(call.id) && this.#held.size >= MAX_HELD)
      throw new SignalboxError('OVERLOADED', `${MAX_HELD} calls already wait for their clients`);
    this.#held.set(call.id, call);
  }

  over(call: HeldCall): void {
    this.#held.delete(call.id);
    call.over();
  }

  /** Throws ProtocolFault when it is not here, or has gone on since. */
  find(waits: Extract<Waits, { for: 'held' }>): HeldCall {
    const call = this.#held.get(waits.call);
    if (call?.isAway && call.round === waits.round) return call;
    throw new ProtocolFault(
      'invalidParams',
      call === undefined
        ? 'the call that asked is no longer held here: it waited too long, or is held by another replica'
        : 'this `requestState` was used already',
      { code: 'REQUEST_MALFORMED', help: 'look at what became of it before you begin it again' },
    );
  }

  close(): void {
    for (const call of [...this.#held.values()]) this.over(call);
  }
}
