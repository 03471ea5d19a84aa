import { type ChildProcess, spawn } from 'node:child_process';
import type { Timers } from '../../domain/doors.ts';
import type { StopSignal } from '../../domain/stop.ts';
import { giveWay, killKin, MARK, startOf } from '../kin.ts';
import type { Root } from '../kin-among.ts';

/** What is started: no shell, nothing inherited but what stands here. */
export interface Start {
  readonly exec: string;
  /** What the program is told it is called. */
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly mark: string;
  /** Open files it gets as descriptors from 3 on. */
  readonly descriptors: readonly number[];
  readonly stdin: string | null;
}

export interface Bounds {
  readonly timers: Timers;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal: StopSignal;
}

export interface Ran {
  /** Why it is over. `unstarted`: there never was a process. */
  readonly how: 'exited' | 'signalled' | 'timeout' | 'aborted' | 'unstarted';
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly cut: boolean;
  /** The end of what it wrote to its error output. */
  readonly words: string;
  readonly fault: string;
  /** What could not be killed, by its numbers. */
  readonly left: readonly number[];
}

const KEPT_WORDS = 4_096;
/** What it wrote last is read this long after its end; somebody who left the group may hold the pipe open. */
const LAST_MS = 500;

/**
 * One command:
 *   running → over          it ended by itself
 *   running → killed → over deadline, caller gone or halt: SIGKILL to the whole group, at once
 * Whatever of its group is left when it ends is killed, and so is what left the group (connectors/kin.ts).
 */
export class Running {
  readonly over: Promise<Ran>;
  readonly #bounds: Bounds;
  readonly #process: ChildProcess;
  readonly #root: Root | null;
  readonly #done = Promise.withResolvers<Ran>();
  readonly #timer: { cancel(): void };
  readonly #chunks: Buffer[] = [];
  #length = 0;
  #cut = false;
  #words = Buffer.alloc(0);
  #how: Ran['how'] | null = null;
  #code: number | null = null;
  #fault = '';
  #ended = false;
  #swept: Promise<readonly number[]> | null = null;

  constructor(start: Start, bounds: Bounds) {
    this.#bounds = bounds;
    this.over = this.#done.promise;
    this.#process = spawn(start.exec, [...start.args], {
      argv0: start.name,
      cwd: start.cwd,
      env: { ...start.env, [MARK]: start.mark },
      detached: true,
      shell: false,
      windowsHide: true,
      stdio: [start.stdin === null ? 'ignore' : 'pipe', 'pipe', 'pipe', ...start.descriptors],
    });
    const { pid, stdin, stdout, stderr } = this.#process;
    giveWay(pid);
    this.#root = pid === undefined ? null : { pid, mark: start.mark, started: startOf(pid) };
    stdout?.on('data', (chunk: Buffer) => this.#read(chunk));
    stderr?.on('data', (chunk: Buffer) => {
      this.#words = Buffer.concat([this.#words, chunk]).subarray(-KEPT_WORDS);
    });
    for (const stream of [stdin, stdout, stderr]) stream?.on('error', () => {});
    if (start.stdin !== null) stdin?.end(start.stdin);
    this.#timer = bounds.timers.after(bounds.timeoutMs, () => this.#stop('timeout'));
    bounds.signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#process.on('error', (error) => {
      this.#fault = (error as NodeJS.ErrnoException).code ?? 'unknown fault';
      if (pid === undefined) void this.#end('unstarted');
    });
    this.#process.on('exit', (code, signal) => {
      this.#code = code;
      this.#how ??= signal === null ? 'exited' : 'signalled';
      if (signal !== null) this.#fault = signal;
      // while anything of the group lives its number is not given to another
      this.#signal();
      void this.#sweep();
      bounds.timers.after(LAST_MS, () => void this.#end('exited'));
    });
    this.#process.on('close', () => void this.#end('exited'));
    if (bounds.signal.aborted) this.#onAbort();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Everything of it at once. Resolves with the numbers of what could not be killed. */
  async kill(): Promise<readonly number[]> {
    this.#stop('aborted');
    return (await this.over).left;
  }

  readonly #onAbort = (): void => this.#stop('aborted');

  #stop(why: 'timeout' | 'aborted'): void {
    this.#how ??= why;
    this.#signal();
    void this.#sweep();
  }

  /** Beyond the cap it is read and dropped: a full pipe would hold the command up. */
  #read(chunk: Buffer): void {
    const room = this.#bounds.maxBytes - this.#length;
    if (chunk.length > room) this.#cut = true;
    if (room <= 0) return;
    this.#chunks.push(chunk.subarray(0, room));
    this.#length += Math.min(chunk.length, room);
  }

  async #end(how: Ran['how']): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer.cancel();
    this.#bounds.signal.removeEventListener('abort', this.#onAbort);
    for (const stream of [this.#process.stdin, this.#process.stdout, this.#process.stderr])
      stream?.destroy();
    const left = (await this.#swept) ?? [];
    this.#done.resolve({
      how: this.#how ?? how,
      code: this.#code,
      stdout: Buffer.concat(this.#chunks),
      cut: this.#cut,
      words: this.#words.toString(),
      fault: this.#fault,
      left,
    });
  }

  /** One at a time; a later one looks again, since more may have been started meanwhile. */
  #sweep(): Promise<readonly number[]> {
    const root = this.#root;
    if (root === null) return Promise.resolve([]);
    const before = this.#swept ?? Promise.resolve();
    this.#swept = before.then(() => killKin(root, this.#bounds.timers));
    return this.#swept;
  }

  #signal(): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // the group is empty
    }
  }
}
