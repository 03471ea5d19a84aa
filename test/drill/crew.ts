/** The conductor's hold on its processes: agents, sub-agents, bystanders and the thief. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Login } from './canary.ts';
import type { Loot } from './thief.ts';
import type { Account, Job, Order } from './worker.ts';

const PATIENCE_MS = 15_000;

/** A child that answers each order with one message that has the member asked for. */
class Hand {
  readonly #child: ChildProcess;

  constructor(program: string) {
    this.#child = fork(join(import.meta.dirname, program), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  async ask<T>(order: object, member: string): Promise<T> {
    const heard = this.#next<T>(member);
    this.#child.send(order);
    return heard;
  }

  send(order: object): void {
    this.#child.send(order);
  }

  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  async #next<T>(member: string): Promise<T> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const [message] = (await once(this.#child, 'message', { signal })) as [
        { [member: string]: T },
      ];
      if (member in message) return message[member] as T;
    }
  }
}

export class Worker {
  readonly #hand = new Hand('worker.ts');

  /** Resolves with its usual answer once it is at work. A call that lingers is at work from the start. */
  async start(job: Job, lingers = false): Promise<string> {
    if (!lingers) return this.#hand.ask<string>({ job } satisfies Order, 'steady');
    this.#hand.send({ job } satisfies Order);
    return 'lingers';
  }

  account(at: number): Promise<Account> {
    return this.#hand.ask({ account: at } satisfies Order, 'account');
  }

  async stop(): Promise<void> {
    await this.#hand.ask({ stop: true } satisfies Order, 'stopped');
  }

  end(): void {
    this.#hand.end();
  }
}

export class Thief {
  readonly #hand = new Hand('thief.ts');

  async steal(login: Login): Promise<void> {
    await this.#hand.ask({ steal: login }, 'stealing');
  }

  stop(): Promise<Loot> {
    return this.#hand.ask({ stop: true }, 'loot');
  }

  end(): void {
    this.#hand.end();
  }
}
