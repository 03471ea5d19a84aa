/** The floor: a proxy that looks at nothing and hands every byte on, over undici's Pool. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { ready } from './part.ts';

const pool = new Pool(process.argv[2] ?? '', { connections: 128, pipelining: 1 });
const HOP = new Set(['connection', 'keep-alive', 'host', 'transfer-encoding']);

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const headers: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(request.headers))
      if (value !== undefined && !HOP.has(name)) headers[name] = value;
    pool.dispatch(
      { path: request.url ?? '/', method: 'POST', headers, body: Buffer.concat(chunks) },
      {
        onRequestStart() {},
        onResponseStart(_, status, got) {
          for (const name of HOP) delete got[name];
          response.writeHead(status, got);
        },
        onResponseData: (_, chunk) => void response.write(chunk),
        onResponseEnd: () => void response.end(),
        onResponseError: (_, error) => void response.destroy(error),
      },
    );
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  ready(`http://127.0.0.1:${port}/mcp`);
});
