import type { Timers } from '../domain/doors.ts';
import type { Resolve } from './egress.ts';
import { WayOut } from './way-out.ts';

const TIMEOUT_MS = 10_000;
const SOCKETS = 2;

export interface Delivery {
  readonly url: string;
  readonly allowPrivate: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Posts to webhooks over the guarded way out. Of the answer only the status is looked at. */
export class Webhooks {
  readonly #out: WayOut;

  constructor(timers: Timers, resolve?: Resolve) {
    this.#out = new WayOut(timers, SOCKETS, resolve);
  }

  /** The status. Throws SignalboxError EGRESS_REFUSED, Unanswered. */
  post({ url, ...rest }: Delivery): Promise<number> {
    const outgoing = { url: new URL(url), method: 'POST' as const, timeoutMs: TIMEOUT_MS, ...rest };
    return this.#out.request(outgoing, (answer) => {
      answer.body.destroy();
      return answer.statusCode;
    });
  }

  close(): Promise<void> {
    return this.#out.close();
  }
}
