/** A small HTTP target that counts by marker what really arrived, and can hold an answer back while somebody aims. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpTarget {
  readonly url: string;
  /** Effects by marker: requests that arrived whole, whatever became of their answers. */
  readonly effects: ReadonlyMap<string, number>;
  readonly reads: () => number;
  /** The next call with this marker has its effect and no answer; `struck` runs at that moment. */
  holdAnswer(marker: string, struck: () => void): void;
  /** `struck` runs when the answer to this marker has been handed to the system. */
  afterAnswer(marker: string, struck: () => void): void;
  stop(): Promise<void>;
}

export async function startHttpTarget(): Promise<HttpTarget> {
  const effects = new Map<string, number>();
  const holding = new Map<string, () => void>();
  const watching = new Map<string, () => void>();
  let reads = 0;
  const write = (marker: string, response: ServerResponse): void => {
    effects.set(marker, (effects.get(marker) ?? 0) + 1);
    const struck = holding.get(marker);
    if (struck !== undefined) {
      holding.delete(marker);
      struck();
      return;
    }
    response.once('finish', () => {
      watching.get(marker)?.();
      watching.delete(marker);
    });
    answer(response, { marker });
  };
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      reads++;
      const marker = decodeURIComponent((request.url ?? '').split('/').at(-1) ?? '');
      answer(response, { marker, seen: effects.get(marker) ?? 0 });
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { marker } = JSON.parse(Buffer.concat(chunks).toString()) as { marker: string };
      write(marker, response);
    });
    request.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    effects,
    reads: () => reads,
    holdAnswer: (marker, struck) => void holding.set(marker, struck),
    afterAnswer: (marker, struck) => void watching.set(marker, struck),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
