/** The everything server on a loopback port. Pages of other sites are refused before anything is read. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { localhostHostValidation, localhostOriginValidation } from '@modelcontextprotocol/node';
import { legacyEverything } from './legacy.ts';
import { modernEverything } from './modern.ts';

export type Era = 'modern' | 'legacy';
export type Handle = (request: IncomingMessage, response: ServerResponse) => unknown;

export interface Everything {
  readonly url: string;
  close(): Promise<void>;
}

const hostIsOurs = localhostHostValidation();
const originIsOurs = localhostOriginValidation();

export async function startEverything(era: Era): Promise<Everything> {
  const { handle, close } = era === 'modern' ? modernEverything() : legacyEverything();
  const server = createServer(async (request, response) => {
    if (!hostIsOurs(request, response) || !originIsOurs(request, response)) return;
    try {
      await handle(request, response);
    } catch (error) {
      process.stderr.write(`everything (${era}): ${String(error)}\n`);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    }
  });
  server.keepAliveTimeout = 30_000;
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async close() {
      await close();
      await new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      });
    },
  };
}
