import { once } from 'node:events';
import { createServer } from 'node:net';

const LOWEST = 15_000;
const PORTS = 15_000;

/**
 * A port on the loopback that nobody listens on. Below those that the system gives to connections: what comes back on its
 * port would be refused one that a connection of somebody else has meanwhile, for as long as that lasts.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * PORTS);
    const probe = createServer().listen(port, '127.0.0.1');
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    await new Promise((resolve) => probe.close(resolve));
    if (isFree) return port;
  }
}
