/** One `signalbox up` as an operator would start it, and what a machine can do to it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../examples/acme/free-port.ts';

export interface Listening {
  readonly agentsUrl: string;
  readonly operatorsUrl: string;
  readonly setupCode: string | null;
}

export interface Start {
  /** The sources it runs: a checkout, or a copy of one with a control switched off. */
  readonly sources: string;
  readonly directory: string;
  readonly home: string;
  /** More words of the command line: which store. */
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const KEPT = 8_000;
const STARTED_WITHIN_MS = 30_000;
const CLOSED_WITHIN_MS = 15_000;

export class Replica {
  readonly #start: Start;
  #child: ChildProcess | null = null;
  #at: Listening | null = null;
  #ports: readonly number[] | null = null;
  /** The end of what it wrote to stderr. */
  said = '';

  constructor(start: Start) {
    this.#start = start;
  }

  get at(): Listening {
    if (this.#at === null) throw new Error(`this replica is not up: ${this.said}`);
    return this.#at;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get running(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it, on the same ports as before; with other `words` when given. */
  async up(words: readonly string[] = this.#start.words): Promise<Listening> {
    const { sources, directory, home, env = {} } = this.#start;
    this.#ports ??= [await freePort(), await freePort()];
    const [agents, operators] = this.#ports.map(String) as [string, string];
    const ports = ['--agents-port', agents, '--operators-port', operators];
    const program = [join(sources, 'bin/signalbox.js'), 'up', '--json', '--data-dir', directory];
    const child = spawn(process.execPath, [...program, ...ports, ...words], {
      cwd: home,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: home, NODE_COMPILE_CACHE: join(home, 'code'), ...env },
    });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.said = (this.said + text).slice(-KEPT);
    });
    const signal = AbortSignal.timeout(STARTED_WITHIN_MS);
    const line = once(createInterface({ input: child.stdout }), 'line', { signal });
    const ended = once(child, 'exit').then(() => {
      throw new Error(`a replica ended by itself: ${this.said}`);
    });
    ended.catch(() => {});
    const [text] = (await Promise.race([line, ended])) as [string];
    const at = JSON.parse(text) as Listening;
    if (!URL.canParse(at.operatorsUrl)) throw new Error(`a replica did not start: ${text}`);
    this.#at = at;
    return at;
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#gone();
  }

  /** Stopped by the machine, as a suspended one is: it knows nothing of the time that passes. */
  suspend(): void {
    this.#child?.kill('SIGSTOP');
  }

  wake(): void {
    this.#child?.kill('SIGCONT');
  }

  async close(): Promise<void> {
    this.#child?.kill('SIGCONT');
    this.#child?.kill('SIGTERM');
    const late = setTimeout(() => this.#child?.kill('SIGKILL'), CLOSED_WITHIN_MS);
    await this.#gone();
    clearTimeout(late);
  }

  async #gone(): Promise<void> {
    if (this.running && this.#child !== null) await once(this.#child, 'exit');
    this.#child = null;
  }
}
