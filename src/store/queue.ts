import { SignalboxError } from '../domain/errors.ts';
import type { Op, ResultOf } from '../domain/ops.ts';
import { isJointRead } from '../ledger/read-record.ts';
import { preparedRead, toTexts } from './prepared-read.ts';
import { type Answers, errorFrom } from './wire.ts';

/** Ops handed in and not yet answered; beyond either, callers with something new are told to come back. */
export const MOST_WAITING = 16_384;
export const MOST_WAITING_CHARS = 128 * 1024 * 1024;
/** One op: arguments, results and images of one call. */
const MOST_CHARS = 16 * 1024 * 1024;

/**
 * What must be written however full it is: outcomes of effects that were made, and everything that stops or takes away.
 * Each follows from something admitted before, which is what the bound above is for.
 */
const NEVER_REFUSED: ReadonlySet<Op['kind']> = new Set<Op['kind']>([
  'action.mark',
  'action.settle',
  'approval.void',
  'halt.raise',
  'halt.inert',
  'halt.lift',
  'lease.write',
  'run.end',
  'token.revoke',
]);

interface Waiting {
  readonly size: number;
  readonly op: Op;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

export interface QueueEnds {
  /** Sends texts on; their answers come back by `answered`, in order. */
  post(texts: readonly string[]): void;
  /** Runs `flush` when this turn of the event loop has brought everything it will. */
  soon(flush: () => void): void;
  /** What was committed, before anybody is told so. */
  heard?(ops: readonly Op[], answers: Answers): void;
}

const OK = { ok: true } as const;

/**
 * The caller's end of whoever writes: keeps the order, bounds what waits, and after a failure rejects everything, for
 * good unless `resume` says otherwise. `answered` and `fail` come back from the other side.
 */
export class CommitQueue {
  readonly #ends: QueueEnds;
  #waiting: Waiting[] = [];
  /** Answered ones at the front of `#waiting`. */
  #done = 0;
  #chars = 0;
  #fresh: string[] = [];
  #down: SignalboxError | null = null;
  #drained: (() => void) | null = null;

  constructor(ends: QueueEnds) {
    this.#ends = ends;
  }

  get down(): SignalboxError | null {
    return this.#down;
  }

  commit<O extends Op>(op: O): Promise<ResultOf<O>> {
    return new Promise((resolve, reject) => {
      if (this.#down !== null) return reject(this.#down);
      const texts = textsOf(op);
      const size = texts.length === 1 ? texts[0].length : texts[0].length + texts[1].length;
      if (size > MOST_CHARS)
        return reject(
          new SignalboxError(
            'REQUEST_TOO_LARGE',
            `\`${op.kind}\` has ${size} characters, expected at most ${MOST_CHARS}`,
          ),
        );
      if (!NEVER_REFUSED.has(op.kind) && this.#isFull(size))
        return reject(
          new SignalboxError('OVERLOADED', `${this.#length} records wait for the disk`),
        );
      this.#waiting.push({
        size,
        op,
        resolve: resolve as (answer: unknown) => void,
        reject,
      });
      this.#chars += size;
      // Everything this turn of the event loop brings goes over in one message.
      if (this.#fresh.length === 0) this.#ends.soon(() => this.#flush());
      this.#fresh.push(...texts);
    });
  }

  answered(answers: Answers): void {
    const first = this.#done;
    this.#done += answers.count;
    const answered = this.#waiting.slice(first, this.#done);
    if (this.#done * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#done);
      this.#done = 0;
    }
    this.#ends.heard?.(
      answered.map(({ op }) => op),
      answers,
    );
    let next = 0;
    for (const [place, { size, resolve, reject }] of answered.entries()) {
      this.#chars -= size;
      const other = answers.others[next];
      if (other?.[0] !== place) {
        resolve(OK);
        continue;
      }
      next++;
      if ('fault' in other[1]) reject(errorFrom(other[1].fault));
      else resolve(other[1].result);
    }
    if (this.#length === 0) this.#drained?.();
  }

  /** The first reason stays. Rejects everything but the `kept` oldest, which are still to be answered. */
  fail(reason: SignalboxError, kept = 0): void {
    const first = this.#done + kept;
    if (this.#down !== null && first >= this.#waiting.length) return;
    this.#down ??= reason;
    this.#fresh = [];
    for (const { size, reject } of this.#waiting.slice(first)) {
      this.#chars -= size;
      reject(this.#down);
    }
    this.#waiting = this.#waiting.slice(this.#done, first);
    this.#done = 0;
    if (this.#length === 0) this.#drained?.();
  }

  /** Another reason for what is refused from now on; nothing when nothing is refused. */
  say(reason: SignalboxError): void {
    if (this.#down !== null) this.#down = reason;
  }

  /** Takes ops again. Everything that waited was rejected or answered. */
  resume(): void {
    this.#down = null;
  }

  /** Resolves when everything handed in so far is answered. */
  drain(): Promise<void> {
    if (this.#length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  #isFull(more: number): boolean {
    return this.#length >= MOST_WAITING || this.#chars + more > MOST_WAITING_CHARS;
  }

  get #length(): number {
    return this.#waiting.length - this.#done;
  }

  #flush(): void {
    const texts = this.#fresh;
    this.#fresh = [];
    if (texts.length > 0 && this.#down === null) this.#ends.post(texts);
  }
}

function textsOf(op: Op): readonly [string] | readonly [string, string] {
  try {
    if (op.kind === 'action.admit' && isJointRead(op)) return toTexts(preparedRead(op));
    return [JSON.stringify(op)];
  } catch (error) {
    throw new SignalboxError('INTERNAL', `\`${op.kind}\` cannot be said in JSON`, { cause: error });
  }
}
