import { createHmac } from 'node:crypto';
import { Unanswered } from '../boundary/way-out.ts';
import type { AlertDesk, AlertEvent, AlertTarget } from '../domain/alert.ts';
import type { Trying } from '../domain/credential.ts';
import type { Doors } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Store } from '../domain/store.ts';
import type { BundleSource } from './broker.ts';

const MOST_WAITING = 256;
const MOST_TRIES = 10;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
const AGAIN_MS = 300_000;
const MOST_KEYS = 1_024;

export interface AlertsParts {
  readonly doors: Doors;
  readonly store: Pick<Store, 'commit'>;
  readonly bundles: Pick<BundleSource, 'active'>;
  /** Throws SECRET_MISSING. */
  readonly secret: (name: string) => Promise<string>;
  /** Without every secret that is known here: a human may have written one into a name. */
  readonly redact: (facts: JsonObject) => JsonObject;
  /** Answers with the status of the receiver. */
  readonly post: (delivery: {
    readonly url: string;
    readonly allowPrivate: boolean;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  }) => Promise<number>;
  readonly log: (line: string) => void;
}

/** How delivery stands, for `doctor`. */
export interface AlertsStanding {
  readonly waiting: number;
  readonly undelivered: number;
  /** Why the last one was given up; null when none was. */
  readonly why: string | null;
}

interface Alert {
  readonly id: string;
  readonly event: AlertEvent;
  readonly body: string;
}

/**
 * Alerts on their way to webhooks. Nothing of the broker waits for one:
 *   told → waiting → delivered                 any 2xx
 *   waiting → waiting                          anything else, with back-off and the same id, ten times
 *   waiting → given up                         a note in the ledger, and a line of `doctor`
 *   told → given up                            more than 256 wait already
 */
export class Alerts implements AlertDesk {
  readonly #parts: AlertsParts;
  readonly #told = new Map<string, number>();
  /** As last read, so that a store that is away silences nobody. */
  #targets: readonly AlertTarget[] = [];
  readonly #secrets = new Map<string, string>();
  #waiting = 0;
  #undelivered = 0;
  #why: string | null = null;
  #closed = false;

  constructor(parts: AlertsParts) {
    this.#parts = parts;
  }

  get standing(): AlertsStanding {
    return { waiting: this.#waiting, undelivered: this.#undelivered, why: this.#why };
  }

  tell(event: AlertEvent, facts: JsonObject, key?: string): void {
    const { clock, entropy } = this.#parts.doors;
    if (this.#closed || (key !== undefined && this.#toldLately(`${event} ${key}`))) return;
    const id = entropy.id('alert');
    const at = new Date(clock.now()).toISOString();
    // before it is signed: the receiver checks what it got
    const body = JSON.stringify({ id, event, at, facts: this.#parts.redact(facts) });
    void this.#send({ id, event, body }).catch((error: Error) =>
      this.#parts.log(`alert ${event}: ${error.message}`),
    );
  }

  /** Reads who is to be told, so that it is known when the store is away. */
  async learn(): Promise<void> {
    const { bundles, secret } = this.#parts;
    this.#targets = (await bundles.active()).alerts ?? [];
    for (const { secret: name } of this.#targets) this.#secrets.set(name, await secret(name));
  }

  /** Gives up what waits: the next process tells anew what still stands. */
  close(): void {
    this.#closed = true;
  }

  #toldLately(key: string): boolean {
    const now = this.#parts.doors.clock.monotonic();
    const before = this.#told.get(key);
    if (before !== undefined && now - before < AGAIN_MS) return true;
    if (this.#told.size >= MOST_KEYS) this.#told.clear();
    this.#told.set(key, now);
    return false;
  }

  async #send(alert: Alert): Promise<void> {
    await this.learn().catch(() => {});
    const wanted = this.#targets.filter(({ events }) => events.includes(alert.event));
    await Promise.all(wanted.map((target) => this.#deliver(alert, target)));
  }

  async #deliver(alert: Alert, target: AlertTarget): Promise<void> {
    if (this.#waiting >= MOST_WAITING)
      return this.#giveUp(alert, target, 0, `${MOST_WAITING} others wait already`);
    this.#waiting++;
    let why = '';
    try {
      for (let tries = 0, wait = FIRST_WAIT_MS; tries < MOST_TRIES && !this.#closed; tries++) {
        const fault = await this.#attempt(alert, target);
        if (fault === null) return;
        why = fault;
        if (tries + 1 < MOST_TRIES) await this.#pause(wait);
        wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      }
    } finally {
      this.#waiting--;
    }
    await this.#giveUp(alert, target, MOST_TRIES, why);
  }

  /** Null when it was taken; else why not. The answer's text is read by nobody. */
  async #attempt(
    { id, body }: Alert,
    { url, allowPrivate, secret }: AlertTarget,
  ): Promise<string | null> {
    try {
      const key = this.#secrets.get(secret) ?? (await this.#parts.secret(secret));
      const timestamp = String(Math.floor(this.#parts.doors.clock.now() / 1_000));
      const status = await this.#parts.post({
        url,
        allowPrivate,
        body,
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': `v1,${signatureOf(key, `${id}.${timestamp}.${body}`)}`,
        },
      });
      return status >= 200 && status < 300 ? null : `the receiver answered ${status}`;
    } catch (error) {
      if (error instanceof SignalboxError) return error.code;
      return error instanceof Unanswered ? error.message : 'no answer';
    }
  }

  async #giveUp(
    { id, event }: Alert,
    { name }: AlertTarget,
    tries: number,
    why: string,
  ): Promise<void> {
    this.#undelivered++;
    this.#why = `${event} to ${name}: ${why}`;
    this.#parts.log(`alert ${id} (${event}) did not reach ${name}: ${why}`);
    const { store, doors } = this.#parts;
    const body = { alert: id, event, target: name, tries, why };
    const at = doors.clock.now();
    await store.commit({ kind: 'system.note', type: 'alert.undelivered', body, at });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#parts.doors.timers.after(ms, resolve));
  }
}

const STUCK_TRIES = 5;
const STUCK_MS = 30_000;

/** A lease that its issuer does not end, told again and again while that lasts. */
export function tellStuck(desk: AlertDesk, trying: Trying, now: number): void {
  const { leaseId, handle, connection, since, tries } = trying;
  if (tries < STUCK_TRIES || now - since < STUCK_MS) return;
  const facts = { lease: leaseId, handle, connection, tries, since: new Date(since).toISOString() };
  desk.tell('lease.irrevocable', facts, leaseId);
}

/** A secret that begins with `whsec_` is base64 after it, as receivers of this format keep them; any other is its text. */
export function signatureOf(secret: string, content: string): string {
  const key = secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret);
  return createHmac('sha256', key).update(content).digest('base64');
}
