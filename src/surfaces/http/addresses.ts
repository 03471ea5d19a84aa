import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { SignalboxError } from '../../domain/errors.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const ANY = new Set(['0.0.0.0', '::']);

/** True for addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/**
 * The names this listener answers to. A page of another site that points its name at our address (DNS rebinding)
 * sends its own name as `Host`, so it is refused whatever address it came from.
 */
export class Addresses {
  readonly #hosts = new Set<string>();
  readonly #port: number;
  readonly #scheme: 'http' | 'https';
  readonly #anyAddress: boolean;
  readonly #origins: 'none' | 'same';

  constructor(
    options: {
      readonly host: string;
      readonly tls?: object | undefined;
      readonly extraHosts?: readonly string[] | undefined;
      readonly origins: 'none' | 'same';
    },
    port: number,
  ) {
    this.#port = port;
    this.#scheme = options.tls === undefined ? 'http' : 'https';
    this.#anyAddress = ANY.has(options.host);
    this.#origins = options.origins;
    const own = isIP(options.host) === 6 ? `[${options.host}]` : options.host.toLowerCase();
    const names = isLoopback(options.host) || this.#anyAddress ? [own, ...LOOPBACK] : [own];
    for (const name of [...names, ...(options.extraHosts ?? [])]) this.#add(name.toLowerCase());
  }

  /** Throws REQUEST_MALFORMED (no `Host`), HOST_REFUSED or ORIGIN_REFUSED. */
  check(request: IncomingMessage): void {
    if (request.headers.host === undefined)
      throw new SignalboxError('REQUEST_MALFORMED', 'a request without `host`', {
        help: 'name this listener in `host`, as HTTP/1.1 asks',
      });
    const host = request.headers.host.toLowerCase();
    if (!this.#hosts.has(host) && !(this.#anyAddress && this.#isLocalAddress(host, request)))
      throw new SignalboxError(
        'HOST_REFUSED',
        `host \`${clip(host)}\` is not a name of this listener`,
      );
    const origin = request.headers.origin;
    if (origin !== undefined && !this.#takes(origin, host))
      throw new SignalboxError(
        'ORIGIN_REFUSED',
        `origin \`${clip(origin)}\` may not call this listener`,
      );
    const site = request.headers['sec-fetch-site'];
    const changes = request.method !== 'GET' && request.method !== 'HEAD';
    if (changes && (site === 'cross-site' || site === 'same-site'))
      throw new SignalboxError(
        'ORIGIN_REFUSED',
        'a page of another site may not call this listener',
      );
  }

  #takes(origin: string, host: string): boolean {
    return this.#origins === 'same' && origin.toLowerCase() === `${this.#scheme}://${host}`;
  }

  #add(name: string): void {
    if (/:\d+$/.test(name)) {
      this.#hosts.add(name);
      return;
    }
    this.#hosts.add(`${name}:${this.#port}`);
    if (this.#port === (this.#scheme === 'https' ? 443 : 80)) this.#hosts.add(name);
  }

  /** Bound to every address: the literal address the connection came in by is a name of ours too. */
  #isLocalAddress(host: string, request: IncomingMessage): boolean {
    const local = request.socket.localAddress?.replace(/^::ffff:/, '') ?? '';
    const literal = isIP(local) === 6 ? `[${local}]` : local;
    return local !== '' && host === `${literal}:${this.#port}`;
  }
}

function clip(text: string): string {
  const shown = text.replace(/[^\x20-\x7e]|`/g, '?');
  return shown.length > 80 ? `${shown.slice(0, 80)}…` : shown;
}
