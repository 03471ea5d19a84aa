/** A process that has got hold of a minted login and uses it at the target, past every gate, until the target ends it. */
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Login, THIEF } from './canary.ts';

export interface Loot {
  /** How often it read, when it read last, and what it was told when it logged in anew. */
  readonly reads: number;
  readonly lastAt: number;
  readonly endedAt: number | null;
  readonly refusedAs: string | null;
}

const READ = 'SELECT note FROM victim_rows WHERE id = 1 /* leaked */';
const PAUSE_MS = 20;
/** Every refused login costs the server a process: more often would measure that. */
const AGAIN_MS = 200;

let loot = {
  reads: 0,
  lastAt: 0,
  endedAt: null as number | null,
  refusedAs: null as string | null,
};
let round = 0;

async function steal(login: Login): Promise<void> {
  const mine = ++round;
  const mayGoOn = (): boolean => mine === round;
  loot = { reads: 0, lastAt: 0, endedAt: null, refusedAs: null };
  while (mayGoOn()) {
    const client = new pg.Client({
      ...login,
      stream: () => fromThief(login),
    });
    client.on('error', () => {
      if (loot.reads > 0) loot.endedAt ??= Date.now();
    });
    try {
      await client.connect();
      while (mayGoOn()) {
        await client.query(READ);
        loot.lastAt = Date.now();
        if (++loot.reads === 1) process.send?.({ stealing: true });
        await sleep(PAUSE_MS);
      }
    } catch (error) {
      if (loot.reads > 0) loot.endedAt ??= Date.now();
      const { code } = error as { code?: string };
      if (code !== undefined) loot.refusedAs = code;
      await sleep(AGAIN_MS);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

/** The driver connects its stream itself; this one comes from the thief's address whatever it is told. */
function fromThief({ host, port }: Login): Socket {
  const socket = new Socket();
  const connect = socket.connect.bind(socket);
  socket.connect = (() => connect({ host, port, localAddress: THIEF })) as Socket['connect'];
  return socket;
}

process.on('message', (order: { steal: Login } | { stop: true }) => {
  if ('steal' in order) void steal(order.steal);
  else {
    round++;
    process.send?.({ loot });
  }
});
process.on('disconnect', () => process.exit(0));
