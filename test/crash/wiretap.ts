/**
 * A slow network between Signalbox and PostgreSQL: passes every byte on, and can keep one transaction's COMMIT under way
 * while its sender dies. The server sees it late, from a client that is long gone, and commits.
 */

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

export interface Wiretap {
  readonly port: number;
  /** Keeps the COMMIT of the transaction that carries `text`; `struck` runs when it is kept. */
  keepCommitOf(text: string, struck: () => void): Hold;
  stop(): Promise<void>;
}

export interface Hold {
  /** Lets it go. */
  release(): Promise<void>;
}

const COMMIT = /commit/i;

interface Watch {
  readonly text: string;
  readonly struck: () => void;
  seen: Socket | null;
  kept: (() => void) | null;
}

export async function startWiretap(port: number): Promise<Wiretap> {
  const watches = new Set<Watch>();
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(port, '127.0.0.1');
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => {});
    }
    target.on('data', (chunk) => client.write(chunk));
    target.once('close', () => client.destroy());
    let kept: Buffer[] | null = null;
    client.on('data', (chunk: Buffer) => {
      const watch = kept === null ? keeperOf(watches, client, chunk) : null;
      if (watch !== null) {
        const held: Buffer[] = [];
        kept = held;
        watch.kept = () => {
          kept = null;
          target.write(Buffer.concat(held));
          if (client.destroyed) target.end();
        };
        watch.struck();
      }
      if (kept === null) target.write(chunk);
      else kept.push(chunk);
    });
    client.once('close', () => {
      if (kept === null) target.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    keepCommitOf(text, struck) {
      const watch: Watch = { text, struck, seen: null, kept: null };
      watches.add(watch);
      return {
        async release() {
          watches.delete(watch);
          watch.kept?.();
        },
      };
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The watch whose transaction this chunk would commit. Statements, their names and their arguments go over as text. */
function keeperOf(watches: ReadonlySet<Watch>, client: Socket, chunk: Buffer): Watch | null {
  for (const watch of watches) {
    if (chunk.includes(watch.text)) watch.seen = client;
    if (watch.seen === client && watch.kept === null && COMMIT.test(chunk.toString('latin1')))
      return watch;
  }
  return null;
}
