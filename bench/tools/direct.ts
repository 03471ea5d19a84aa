/** The same reads without Signalbox: an HTTP server that asks PostgreSQL and SQLite itself. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { ready } from '../toolcall/part.ts';

const [where = '{}', file = ''] = process.argv.slice(2);
const pool = new pg.Pool({ ...JSON.parse(where), max: 4 });
const sqlite = new DatabaseSync(file, { readOnly: true });
const one = sqlite.prepare('select id, name, plan from customers where id = :id');

const server = createServer(async (request, response) => {
  const { id } = JSON.parse(await bodyOf(request)) as { id: number };
  const rows =
    request.url === '/sqlite'
      ? one.all({ id })
      : (
          await pool.query({
            name: 'one',
            text: 'select id, name, plan from customers where id = $1',
            values: [id],
          })
        ).rows;
  const text = JSON.stringify({ rows });
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  ready(
    `http://127.0.0.1:${port}`,
    () => null,
    async () => {
      await pool.end();
    },
  );
});
