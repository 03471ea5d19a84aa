/** Targets that give back whatever they were sent or told, in every form: an HTTP API, and the receiver of webhooks. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ECHOES } from './forms.ts';

export interface EchoTarget {
  readonly url: string;
  /** Secrets of others that it got hold of. */
  readonly stolen: string[];
  /** Bodies of webhooks that were delivered here. */
  readonly delivered: string[];
  close(): Promise<void>;
}

export async function startTarget(): Promise<EchoTarget> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target: EchoTarget = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stolen: [],
    delivered: [],
    close: () => closed(server),
  };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void answer(target, request, response);
  });
  return target;
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

async function answer(
  target: EchoTarget,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let body = '';
  for await (const chunk of request) body += chunk;
  const [, way = '', form = 'plain'] = (request.url ?? '').split('/');
  if (way === 'hook') {
    target.delivered.push(JSON.stringify(request.headers) + body);
    return void response.writeHead(204).end();
  }
  const credential = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  const written = ECHOES[form] ?? ((secret: string) => secret);
  const said = [credential, ...target.stolen].filter((one) => one !== '').map(written);
  // no header holds line ends or empty bytes
  const first = (said[0] ?? '').replaceAll(/[^\x20-\x7e]/g, '');
  const headers = { 'content-type': 'application/json', 'x-echo': first };
  if (way === 'crash') return void request.socket.destroy();
  if (way === 'text') {
    response.writeHead(200, { 'content-type': 'text/plain' });
    return void response.end(said.join('\n'));
  }
  const status = { echo: 200, fail: 500, refuse: 403, moved: 302 }[way] ?? 404;
  const place = status === 302 ? { location: `https://elsewhere.example/${first}` } : {};
  response.writeHead(status, { ...headers, ...place });
  response.end(JSON.stringify({ said, keyed: { [said[0] ?? '']: 1 } }));
}
