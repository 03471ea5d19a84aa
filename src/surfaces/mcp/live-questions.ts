import { ConnectorFailure, type Question } from '../../domain/connector.ts';
import type { Timers } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { StopSignal } from '../../domain/stop.ts';
import type { Response } from '../../protocols/mcp/message.ts';
import { questionText } from '../../protocols/mcp/questions.ts';

const PATIENCE_MS = 300_000;
const MAX_OPEN = 1_024;

interface Open {
  answer(result: JsonObject): void;
  refuse(why: string): void;
}

/**
 * Questions that were sent to a legacy client on the stream of its call. It answers with a POST of its own, matched by
 * session and id. The id names the replica that asked: an answer that comes to another is refused there.
 */
export class LiveQuestions {
  readonly #timers: Timers;
  readonly #prefix: string;
  readonly #open = new Map<string, Open>();
  #last = 0;

  constructor(timers: Timers, replica: string) {
    this.#timers = timers;
    this.#prefix = `signalbox-${replica}-`;
  }

  /** The client's answer. Rejects with ConnectorFailure when there is none. */
  ask(
    place: string,
    question: Question,
    tell: (text: string) => Promise<void>,
    signal: StopSignal,
  ): Promise<JsonObject> {
    if (this.#open.size >= MAX_OPEN) return Promise.reject(unanswered('too many are open'));
    if (signal.aborted) return Promise.reject(unanswered('its client is gone'));
    const id = `${this.#prefix}${++this.#last}`;
    const key = `${place} ${id}`;
    return new Promise((resolve, reject) => {
      const over = (): void => {
        this.#open.delete(key);
        timer.cancel();
        signal.removeEventListener('abort', gone);
      };
      const refuse = (why: string): void => {
        over();
        reject(unanswered(why));
      };
      const gone = (): void => refuse('its client is gone');
      const timer = this.#timers.after(PATIENCE_MS, () =>
        refuse(`its client did not answer in ${PATIENCE_MS / 1000} s`),
      );
      signal.addEventListener('abort', gone, { once: true });
      const answer = (result: JsonObject): void => {
        over();
        resolve(result);
      };
      this.#open.set(key, { answer, refuse });
      void tell(questionText(id, question));
    });
  }

  /**
   * An answer to nothing that is open here is ignored. Throws `ANSWER_ELSEWHERE` for one to a question of another
   * replica: its call goes on waiting there until its patience is over.
   */
  answered(place: string, { id, result }: Response): void {
    if (typeof id === 'string' && id.startsWith('signalbox-') && !id.startsWith(this.#prefix))
      throw new SignalboxError('ANSWER_ELSEWHERE', 'another replica asked this question');
    const open = this.#open.get(`${place} ${id}`);
    if (result === null) open?.refuse('its client refused');
    else open?.answer(result);
  }
}

export function unanswered(why: string): ConnectorFailure {
  return new ConnectorFailure('CONNECTOR_REFUSED', `a question was not answered: ${why}`, 'none');
}
