import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What reached the target, in order. The only witness of effects in these tests. */
export interface Hit {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly authorization: string | undefined;
}

export interface EchoTarget {
  readonly port: number;
  readonly hits: Hit[];
  /** Paths that start with `/slow` are answered only after this. */
  release(): void;
  /** Resolves when `count` requests have arrived. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
}

/** A hand-written HTTP service that answers with what it got and remembers it. */
export async function startEchoTarget(): Promise<EchoTarget> {
  const hits: Hit[] = [];
  let waiting: (() => void)[] = [];
  let watchers: (() => void)[] = [];
  const server = createServer(async (incoming, response) => {
    const body = await bodyOf(incoming);
    const { method = '', url = '', headers } = incoming;
    hits.push({ method, path: url, body, authorization: headers.authorization });
    for (const watcher of watchers) watcher();
    if (url.startsWith('/slow')) await new Promise<void>((resolve) => waiting.push(resolve));
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ method, path: url, ...(body === '' ? {} : { body: JSON.parse(body) }) }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    hits,
    release() {
      for (const go of waiting) go();
      waiting = [];
    },
    arrived: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (hits.length < count) return;
          watchers = watchers.filter((watcher) => watcher !== look);
          resolve();
        };
        watchers.push(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of incoming.setEncoding('utf8')) body += chunk;
  return body;
}

export interface Sent {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** One request on a connection of its own, exactly as given: no client library mends anything. */
export function send(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer },
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method: options.method ?? 'POST', headers: options.headers, agent: false },
      (incoming) => {
        bodyOf(incoming).then(
          (text) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }),
          reject,
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}
