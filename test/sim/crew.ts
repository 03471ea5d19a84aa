import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import type { PlantName } from './plants.ts';
import { runSeed, type SeedReport } from './seed.ts';

/** Lives a seed somewhere; which thread does it changes nothing of it. */
export type Live = (seed: number, planted: PlantName | null) => Promise<SeedReport>;

interface Order {
  readonly seed: number;
  readonly planted: PlantName | null;
}

interface Asked extends Order {
  readonly resolve: (report: SeedReport) => void;
  readonly reject: (error: unknown) => void;
}

/** Threads that live seeds, one at a time each. */
export class Crew {
  readonly #idle: Worker[] = [];
  readonly #all: Worker[];
  readonly #busy = new Map<Worker, Asked>();
  readonly #waiting: Asked[] = [];

  constructor(threads: number) {
    this.#all = Array.from({ length: threads }, () => this.#hired());
    this.#idle.push(...this.#all);
  }

  readonly live: Live = (seed, planted) =>
    new Promise((resolve, reject) => {
      this.#waiting.push({ seed, planted, resolve, reject });
      this.#assign();
    });

  async dismiss(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.terminate()));
  }

  #hired(): Worker {
    const worker = new Worker(new URL(import.meta.url));
    worker.on('message', (report: SeedReport) => {
      this.#busy.get(worker)?.resolve(report);
      this.#busy.delete(worker);
      this.#idle.push(worker);
      this.#assign();
    });
    worker.on('error', (error) => {
      for (const { reject } of [...this.#busy.values(), ...this.#waiting.splice(0)]) reject(error);
    });
    return worker;
  }

  #assign(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const worker = this.#idle.pop() as Worker;
      const asked = this.#waiting.shift() as Asked;
      this.#busy.set(worker, asked);
      const { seed, planted } = asked;
      worker.postMessage({ seed, planted } satisfies Order);
    }
  }
}

if (!isMainThread)
  parentPort?.on('message', async ({ seed, planted }: Order) => {
    parentPort?.postMessage(await runSeed(seed, planted));
  });
