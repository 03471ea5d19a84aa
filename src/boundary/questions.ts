import type { Timers } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import { GuardedAgents, reachOfUrl } from './agents.ts';
import { bounded } from './bounded.ts';
import type { Resolve } from './egress.ts';

const SOCKETS = 16;
const MOST_BYTES = 64 * 1024;

export interface Question {
  readonly url: string;
  readonly allowPrivate: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;
  readonly timeoutMs: number;
}

/**
 * Posts JSON and reads a small JSON answer, over the same guarded way out as connections: addresses are checked where
 * they are dialled, no redirect is followed, plain `http:` goes to private addresses only.
 */
export class Questions {
  readonly #timers: Timers;
  readonly #agents: GuardedAgents;

  constructor(timers: Timers, resolve?: Resolve) {
    this.#timers = timers;
    this.#agents = new GuardedAgents(SOCKETS, resolve);
  }

  /** The text of a 200 that says it is JSON. Throws SignalboxError EGRESS_REFUSED, CONSULT_FAILED. */
  async ask({ url, allowPrivate, headers, body, timeoutMs }: Question): Promise<string> {
    const target = new URL(url);
    const reach = reachOfUrl(target, allowPrivate);
    if (reach === null)
      throw new SignalboxError('EGRESS_REFUSED', `\`${target.origin}\` is not https`);
    const patience = new AbortController();
    const timer = this.#timers.after(timeoutMs, () => patience.abort());
    try {
      const answer = await this.#agents.for(reach).request({
        origin: target.origin,
        path: `${target.pathname}${target.search}`,
        method: 'POST',
        headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal: patience.signal,
      });
      answer.body.on('error', () => {});
      const type = String(answer.headers['content-type'] ?? '');
      if (answer.statusCode !== 200 || !/^application\/json\b/i.test(type)) {
        answer.body.destroy();
        throw failed(`it answered ${answer.statusCode} (\`${type.slice(0, 60)}\`)`);
      }
      const tooLong = (): Error => failed(`its answer is longer than ${MOST_BYTES} bytes`);
      return (await bounded(answer.body, MOST_BYTES, tooLong)).toString('utf8');
    } catch (error) {
      if (error instanceof SignalboxError) throw error;
      if (patience.signal.aborted) throw failed(`no answer within ${timeoutMs} ms`);
      throw failed(`\`${target.origin}\` cannot be reached`);
    } finally {
      timer.cancel();
    }
  }

  close(): Promise<void> {
    return this.#agents.close();
  }
}

function failed(why: string): SignalboxError {
  return new SignalboxError('CONSULT_FAILED', why);
}
