/**
 * The suite cannot send a token, so this stands before the gateway and adds one. Everything else goes through as it
 * came, byte for byte and as it streams: Host and Origin too, so that the gateway itself decides about them.
 */
import { type ClientRequest, createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Shim {
  readonly port: number;
  /** Until this the shim has nowhere to go. */
  lead(url: string, token: string): void;
  close(): Promise<void>;
}

export async function startShim(): Promise<Shim> {
  let target: { readonly url: URL; readonly token: string } | null = null;
  const server = createServer((incoming, response) => {
    if (target === null) return void response.writeHead(503).end();
    const onward = request({
      host: target.url.hostname,
      port: target.url.port,
      path: incoming.url,
      method: incoming.method,
      headers: withToken(incoming.rawHeaders, target.token),
      agent: false,
    });
    incoming.pipe(onward);
    passBack(onward, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    lead(url, token) {
      target = { url: new URL(url), token };
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function withToken(raw: readonly string[], token: string): string[] {
  return [...raw, 'authorization', `Bearer ${token}`];
}

function passBack(onward: ClientRequest, response: ServerResponse): void {
  onward.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
    response.flushHeaders();
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  onward.on('error', () => response.destroy());
  // a client that goes away is how a call is cancelled
  response.on('close', () => onward.destroy());
}
