import type { JsonObject } from '../../domain/json.ts';
import { Roster } from '../../domain/roster.ts';
import { type Heard, readHeard } from '../../protocols/mcp/upstream-message.ts';
import {
  type ClientIdentity,
  notificationText,
  requestText,
} from '../../protocols/mcp/upstream-request.ts';
import { answerTo } from './answer-to.ts';
import { Child, type ChildTerms } from './child.ts';
import type { Deadlines } from './deadlines.ts';
import { RequestMeta } from './request-meta.ts';
import { StdioCall } from './stdio-call.ts';
import {
  type Ask,
  type Ear,
  NOT_OPEN,
  type Reply,
  type ServerSelf,
  type Session,
  type Unasked,
  WireFault,
} from './wire.ts';

export interface StdioParts {
  readonly place: string;
  readonly deadlines: Deadlines;
  readonly client: ClientIdentity;
  readonly child: Omit<ChildTerms, 'line' | 'gone'>;
  readonly unasked: Unasked;
  /** A halt ends the child: over when nothing of it is left, with what could not be ended. */
  readonly halted: (killing: Promise<readonly number[]>) => void;
  /** The child has ended, expected or not. */
  readonly ended: (session: StdioSession) => void;
}

/** A server that writes so many lines which are no messages, and answers nothing meanwhile, is not one. */
const MAX_NOISE = 1_000;

/** Requests to one child, many at once, told apart by their ids. */
export class StdioSession implements Session {
  era: Session['era'] = 'modern';
  server: ServerSelf = NOT_OPEN;
  readonly parts: StdioParts;
  readonly #child: Child;
  readonly #calls = new Roster<number, StdioCall>();
  readonly #meta: RequestMeta;
  #next = 1;
  #noise = 0;
  #isHalted = false;

  constructor(parts: StdioParts) {
    this.parts = parts;
    this.#meta = new RequestMeta(parts.client);
    this.#child = new Child({
      ...parts.child,
      line: (text) => this.#heard(text),
      gone: (why) => this.#gone(why),
    });
  }

  get over(): boolean {
    return this.#child.over;
  }

  /** It could be started at all. */
  get wasAlive(): boolean {
    return this.#child.pid !== undefined;
  }

  get lastWords(): string {
    return this.#child.lastWords;
  }

  /** It was ended from here: that says nothing about the server. */
  get isHalted(): boolean {
    return this.#isHalted;
  }

  /** Requests that wait for their answers. */
  get busy(): number {
    return this.#calls.size;
  }

  negotiated(era: Session['era'], server: ServerSelf): void {
    this.era = era;
    this.server = server;
  }

  request(ask: Ask): Promise<Reply> {
    const { place } = this.parts;
    if (ask.signal?.aborted === true)
      return Promise.reject(
        new WireFault('CONNECTOR_ABORTED', 'the call was aborted before it was sent', false),
      );
    const id = this.#next++;
    const text = requestText(id, ask.method, ask.members, this.#meta.of(this.era, id, ask.ear));
    return new Promise<Reply>((done, failed) => {
      if (!this.#child.write(text)) {
        const fault = this.over
          ? new WireFault('CONNECTOR_UNREACHABLE', `\`${place}\` has ended`, false, {
              kind: 'session',
            })
          : new WireFault('OVERLOADED', `\`${place}\` does not read what it is sent`, false);
        return failed(fault);
      }
      const call = new StdioCall(this, ask, id, done, failed);
      this.#calls.set(id, call);
      call.start();
    });
  }

  notify(method: string, members: string): void {
    this.#child.write(notificationText(method, members));
  }

  /** No longer waited for. `cancel`: the server is told. */
  forget(id: number, cancel: boolean): void {
    if (!this.#calls.delete(id) || !cancel) return;
    this.notify('notifications/cancelled', `"requestId":${id},"reason":"the caller is gone"`);
  }

  async close(): Promise<void> {
    await this.#child.stop();
  }

  /** A halted call is in it, and nobody can take that back by asking: the child ends now, with all it started. */
  kill(): Promise<readonly number[]> {
    this.#isHalted = true;
    const killing = this.#child.kill();
    this.parts.halted(killing);
    return killing;
  }

  #heard(text: string): void {
    let heard: Heard;
    try {
      heard = readHeard(text);
    } catch {
      if (++this.#noise > MAX_NOISE) void this.#child.kill();
      return;
    }
    switch (heard.kind) {
      case 'result':
        this.#answered(heard.id, { result: heard.result }, text.length);
        break;
      case 'error':
        this.#answered(heard.id, { error: heard.error }, text.length);
        break;
      case 'notification':
        this.#notified(heard.method, heard.params);
        break;
      case 'request':
        void this.#asked(heard.id, heard.method, heard.params);
    }
  }

  #answered(id: string | number | null, reply: Reply, length: number): void {
    const call = typeof id === 'number' ? this.#calls.get(id) : undefined;
    if (call === undefined) return;
    // a server that answers may write its log to the wrong place all day
    this.#noise = 0;
    call.answered(reply, length);
  }

  #notified(method: string, params: JsonObject): void {
    if (method === 'notifications/progress') {
      const token = params.progressToken;
      if (typeof token === 'number') this.#calls.get(token)?.ear?.hear(method, params);
    } else if (method === 'notifications/message') {
      this.#only((ear) => ear.logLevel !== null)?.ear?.hear(method, params);
    } else this.parts.unasked(method, params);
  }

  /**
   * On this one channel nothing says which call a question or a log line belongs to. It is taken for the newest one's;
   * sessions with callers that can be asked are not shared between runs (peer.ts), so it never reaches another agent.
   */
  async #asked(id: string | number, method: string, params: JsonObject): Promise<void> {
    const call = this.era === 'legacy' ? this.#newest() : undefined;
    call?.asked();
    const text = await answerTo(id, method, params, call?.ear ?? null);
    call?.heardBack();
    this.#child.write(text);
  }

  #newest(): StdioCall | undefined {
    return this.#calls
      .values()
      .reverse()
      .find(({ ear }) => ear !== null);
  }

  /** The one call of which this is true; undefined when there are several. */
  #only(is: (ear: Ear) => boolean): StdioCall | undefined {
    const found = this.#calls.values().filter(({ ear }) => ear !== null && is(ear));
    return found.length === 1 ? found[0] : undefined;
  }

  #gone(why: string): void {
    const calls = this.#calls.values();
    this.#calls.clear();
    const { place } = this.parts;
    for (const call of calls)
      call.lost(
        new WireFault('CONNECTOR_UNREACHABLE', `\`${place}\`: ${why}`, true, {
          kind: 'connection',
        }),
      );
    this.parts.ended(this);
  }
}
