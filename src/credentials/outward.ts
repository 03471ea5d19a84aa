import { bounded } from '../boundary/bounded.ts';
import type { Resolve } from '../boundary/egress.ts';
import { Unanswered, WayOut } from '../boundary/way-out.ts';
import type { Timers } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';

/** One exchange with whoever makes credentials: an authorization server, a vault, an API that gives tokens. */
export interface Outward {
  /** A custom fetch: no redirect is followed, answers are small and come in time. Throws SignalboxError. */
  send(url: string, options: OutwardRequest): Promise<Response>;
}

export interface OutwardRequest {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams | string | null | undefined;
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 262_144;
const SOCKETS = 4;

/**
 * The way out for everything about credentials. Where to go can be a stranger's word (which authorization server, say):
 * private addresses only when the connection says `allowPrivate`, and no token crosses a public network in the open.
 */
export class OutwardPool {
  readonly #out: WayOut;

  constructor(timers: Timers, resolve?: Resolve) {
    this.#out = new WayOut(timers, SOCKETS, resolve);
  }

  for(allowPrivate: boolean): Outward {
    return { send: (url, options) => this.#send(url, options, allowPrivate) };
  }

  close(): Promise<void> {
    return this.#out.close();
  }

  async #send(url: string, options: OutwardRequest, allowPrivate: boolean): Promise<Response> {
    const target = URL.parse(url);
    if (target === null || target.username !== '' || target.password !== '')
      throw new SignalboxError(
        'EGRESS_REFUSED',
        'a request about credentials was not made: an address that cannot be read, or that holds a password',
      );
    const outgoing = {
      url: target,
      allowPrivate,
      method: options.method as 'GET' | 'POST' | 'PUT' | 'DELETE',
      headers: { ...options.headers },
      body: options.body?.toString() ?? null,
      timeoutMs: TIMEOUT_MS,
    };
    try {
      return await this.#out.request(outgoing, async ({ statusCode, headers, body }) => {
        const text = await bounded(body, MAX_ANSWER_BYTES, () => tooLong(target.origin));
        return asResponse(statusCode, headers, text);
      });
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      throw new SignalboxError(
        'CREDENTIAL_FAILED',
        `\`${target.origin}\` cannot be reached (${error.message})`,
        { cause: error.cause, help: 'look whether it is up, then try again' },
      );
    }
  }
}

function tooLong(origin: string): SignalboxError {
  return new SignalboxError(
    'CREDENTIAL_FAILED',
    `\`${origin}\` answered with more than ${MAX_ANSWER_BYTES} bytes`,
  );
}

type Headers_ = Readonly<Record<string, string | string[] | undefined>>;

function asResponse(status: number, given: Headers_, body: Buffer): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) headers.append(name, one);
  const empty = status === 204 || status === 205 || status === 304;
  return new Response(empty ? null : new Uint8Array(body), { status, headers });
}
