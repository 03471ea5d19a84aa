import type { Timers } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import { bounded } from './bounded.ts';
import type { Resolve } from './egress.ts';
import { Unanswered, WayOut } from './way-out.ts';

const SOCKETS = 16;
const MOST_BYTES = 64 * 1024;

export interface Question {
  readonly url: string;
  readonly allowPrivate: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;
  readonly timeoutMs: number;
}

/** Posts JSON over the guarded way out, and reads a small JSON answer. */
export class Questions {
  readonly #out: WayOut;

  constructor(timers: Timers, resolve?: Resolve) {
    this.#out = new WayOut(timers, SOCKETS, resolve);
  }

  /** The text of a 200 that says it is JSON. Throws SignalboxError EGRESS_REFUSED, CONSULT_FAILED. */
  async ask({ url, allowPrivate, headers, body, timeoutMs }: Question): Promise<string> {
    const target = new URL(url);
    const outgoing = {
      url: target,
      allowPrivate,
      method: 'POST' as const,
      headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      timeoutMs,
    };
    try {
      return await this.#out.request(outgoing, async (answer) => {
        const type = String(answer.headers['content-type'] ?? '');
        if (answer.statusCode !== 200 || !/^application\/json\b/i.test(type)) {
          answer.body.destroy();
          throw failed(`it answered ${answer.statusCode} (\`${type.slice(0, 60)}\`)`);
        }
        const tooLong = (): Error => failed(`its answer is longer than ${MOST_BYTES} bytes`);
        return (await bounded(answer.body, MOST_BYTES, tooLong)).toString('utf8');
      });
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      throw failed(`\`${target.origin}\` cannot be reached (${error.message})`);
    }
  }

  close(): Promise<void> {
    return this.#out.close();
  }
}

function failed(why: string): SignalboxError {
  return new SignalboxError('CONSULT_FAILED', why);
}
