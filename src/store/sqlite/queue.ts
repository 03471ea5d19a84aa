import { SignalboxError } from '../../domain/errors.ts';
import type { Op, ResultOf } from '../../domain/ops.ts';
import { type Answer, errorFrom } from './wire.ts';

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
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/**
 * The caller's end of the writing thread: keeps the order, bounds what waits, and after the first failure rejects
 * everything, for good. `post` sends texts on; `answered` and `fail` come back from the other side.
 */
export class CommitQueue {
  readonly #post: (ops: readonly string[]) => void;
  readonly #waiting: Waiting[] = [];
  #chars = 0;
  #fresh: string[] = [];
  #down: SignalboxError | null = null;
  #drained: (() => void) | null = null;

  constructor(post: (ops: readonly string[]) => void) {
    this.#post = post;
  }

  get down(): SignalboxError | null {
    return this.#down;
  }

  commit<O extends Op>(op: O): Promise<ResultOf<O>> {
    return new Promise((resolve, reject) => {
      if (this.#down !== null) return reject(this.#down);
      const text = textOf(op);
      if (text.length > MOST_CHARS)
        return reject(
          new SignalboxError(
            'REQUEST_TOO_LARGE',
            `\`${op.kind}\` has ${text.length} characters, expected at most ${MOST_CHARS}`,
          ),
        );
      if (!NEVER_REFUSED.has(op.kind) && this.#isFull(text.length))
        return reject(
          new SignalboxError('OVERLOADED', `${this.#length} records wait for the disk`),
        );
      this.#waiting.push({
        size: text.length,
        resolve: resolve as (answer: unknown) => void,
        reject,
      });
      this.#chars += text.length;
      // Everything this turn of the event loop brings goes over in one message.
      if (this.#fresh.push(text) === 1) process.nextTick(() => this.#flush());
    });
  }

  answered(answers: readonly Answer[]): void {
    for (const [index, waiting] of this.#waiting.splice(0, answers.length).entries()) {
      const answer = answers[index];
      this.#chars -= waiting.size;
      if (answer === undefined) continue;
      if ('fault' in answer) waiting.reject(errorFrom(answer.fault));
      else waiting.resolve(answer.result);
    }
    if (this.#length === 0) this.#drained?.();
  }

  /** The first reason stays. */
  fail(reason: SignalboxError): void {
    if (this.#down !== null) return;
    this.#down = reason;
    this.#fresh = [];
    for (const waiting of this.#waiting.splice(0)) waiting.reject(reason);
    this.#chars = 0;
    this.#drained?.();
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
    return this.#waiting.length;
  }

  #flush(): void {
    const ops = this.#fresh;
    this.#fresh = [];
    if (ops.length > 0 && this.#down === null) this.#post(ops);
  }
}

function textOf(op: Op): string {
  try {
    return JSON.stringify(op);
  } catch (error) {
    throw new SignalboxError('INTERNAL', `\`${op.kind}\` cannot be said in JSON`, { cause: error });
  }
}
