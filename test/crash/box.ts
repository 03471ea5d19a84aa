/**
 * The harness's hold on the process that is killed:
 *   down --start--> starting --ready--> up --kill--> down
 * A spare process waits with everything loaded, so that a restart costs what a start must do and no more.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FromChild, Go } from './child.ts';

export interface Up {
  readonly agentsUrl: string;
  readonly operatorsUrl: string;
  readonly setupCode: string | null;
  readonly recovered: {
    readonly settled: number;
    readonly unknown: number;
    readonly running: number;
  };
}

const KEPT = 4_000;

export class Box {
  readonly #directory: string;
  #spare: ChildProcess | null = null;
  #child: ChildProcess | null = null;
  #ports = { agentsPort: 0, operatorsPort: 0 };
  #up: PromiseWithResolvers<Up> = Promise.withResolvers();
  #killing = false;
  #serving = false;
  /** What the last children wrote to stderr. */
  said = '';

  constructor(directory: string) {
    this.#directory = directory;
    this.#up.promise.catch(() => {});
    this.#spare = this.#load();
  }

  /** Resolves while it is up; waits while it is down. Rejects when it went down by itself. */
  up(): Promise<Up> {
    return this.#up.promise;
  }

  /** Sends it off. `up()` says when it serves. */
  start(): void {
    const child = this.#spare ?? this.#load();
    this.#child = child;
    this.#killing = false;
    const go: Go = { directory: this.#directory, ...this.#ports };
    child.on('message', (said: FromChild) => {
      if ('fault' in said) this.said += said.fault;
      else if ('agentsUrl' in said && child === this.#child && !this.#killing) this.#ready(said);
    });
    const ended = (): void => {
      if (!this.#killing) this.#up.reject(new Error(`Signalbox ended by itself: ${this.said}`));
    };
    child.once('exit', ended);
    if (child.exitCode === null) child.send(go, (error) => error !== null && ended());
    else ended();
    this.#spare = null;
  }

  /** SIGKILL, now. Resolves when the process is gone; from then on nothing of it can act. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null) throw new Error('there is nothing to kill');
    this.#killing = true;
    child.kill('SIGKILL');
    // Whoever waited for one that never came up waits for the next.
    if (this.#serving) this.#up = Promise.withResolvers();
    this.#up.promise.catch(() => {});
    this.#serving = false;
    await gone(child);
    this.#child = null;
  }

  /** Ends it as an operator would. */
  async close(): Promise<void> {
    const child = this.#child;
    this.#killing = true;
    if (child?.connected) {
      child.send('close');
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await gone(child);
      clearTimeout(late);
      if (child.signalCode === 'SIGKILL') throw new Error('Signalbox did not close in time');
    }
    this.#child = null;
    this.abandon();
  }

  /** Ends whatever process is left, without ceremony. */
  abandon(): void {
    this.#killing = true;
    this.#child?.kill('SIGKILL');
    this.#spare?.kill('SIGKILL');
    this.#spare = null;
  }

  #ready(up: Up): void {
    this.#ports = { agentsPort: portOf(up.agentsUrl), operatorsPort: portOf(up.operatorsUrl) };
    this.#serving = true;
    this.#up.resolve(up);
    this.#spare = this.#load();
  }

  #load(): ChildProcess {
    const child = fork(join(import.meta.dirname, 'child.ts'), {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, NODE_COMPILE_CACHE: `${this.#directory}-code` },
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.said = (this.said + text).slice(-KEPT);
    });
    return child;
  }
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
