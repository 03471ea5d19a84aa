/**
 * The HTTP half of the canary, a process of its own: its clock waits for nobody else's event loop. A request is an effect
 * when it has arrived, and once more when a slow answer was taken to its end.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly at: number;
  readonly path: string;
}

const SLOW_MS = 2_500;
const seen: Seen[] = [];

const server = createServer((request, response) => {
  const path = request.url ?? '/';
  seen.push({ at: Date.now(), path });
  const answer = (): void => {
    if (response.destroyed) return;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ path }));
  };
  request.on('error', () => {});
  if (!path.includes('/slow/')) return answer();
  const later = setTimeout(() => {
    seen.push({ at: Date.now(), path: `${path}/finished` });
    answer();
  }, SLOW_MS);
  response.on('close', () => clearTimeout(later));
});

process.on('message', ({ since }: { since: number }) => {
  process.send?.({ seen: seen.filter(({ at }) => at >= since) });
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
