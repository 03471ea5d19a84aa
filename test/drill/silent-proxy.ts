/**
 * A network between a replica and its store that can fall silent: nothing is refused and nothing is closed, bytes just no
 * longer arrive. That is what a partition looks like from both sides.
 */

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

export class SilentProxy {
  readonly port: number;
  readonly #server: ReturnType<typeof createServer>;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #silent = false;

  static async open(host: string, port: number): Promise<SilentProxy> {
    const pairs = new Set<readonly [Socket, Socket]>();
    let made: SilentProxy | null = null;
    const server = createServer((near) => {
      const far = connect({ host, port });
      const pair = [near, far] as const;
      pairs.add(pair);
      for (const [one, other] of [pair, [far, near]] as const) {
        one.setNoDelay(true); // or each small message waits for the acknowledgement of the one before
        one.on('data', (chunk) => other.write(chunk));
        one.on('error', () => {});
        one.on('close', () => {
          pairs.delete(pair);
          if (made?.silent !== true) other.destroy();
        });
        if (made?.silent) one.pause();
      }
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    made = new SilentProxy(server, pairs);
    return made;
  }

  private constructor(
    server: ReturnType<typeof createServer>,
    pairs: Set<readonly [Socket, Socket]>,
  ) {
    this.#server = server;
    this.#pairs = pairs;
    this.port = (server.address() as AddressInfo).port;
  }

  get silent(): boolean {
    return this.#silent;
  }

  fallSilent(): void {
    this.#silent = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** What was on the way arrives late, as it does when a network comes back. */
  speak(): void {
    this.#silent = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
