import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Timers } from '../../domain/doors.ts';
import { giveWay, killKin, MARK, startOf } from '../kin.ts';
import type { Root } from '../kin-among.ts';

/** The door to new processes: a program with arguments, never a shell. */
export type Spawn = (
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
) => ChildProcessWithoutNullStreams;

/** In a process group of its own, so that all it starts can be ended with it. */
export const systemSpawn: Spawn = (command, args, { cwd, env }) =>
  spawn(command, [...args], {
    cwd,
    env,
    detached: true,
    shell: false,
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });

export interface ChildTerms {
  readonly command: readonly string[];
  readonly cwd: string;
  /** All of it: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Names this child among all that were ever started. */
  readonly mark: string;
  readonly spawn: Spawn;
  readonly timers: Timers;
  /** One line of its output, without the line break. */
  line(text: string): void;
  /** It has ended, or could not be started; once, and after it no line. */
  gone(why: string): void;
}

const MAX_LINE = 16 * 1024 * 1024;
const MAX_BACKLOG = 8 * 1024 * 1024;
const KEPT_WORDS = 2_048;
const ASIDE_MS = 300;
const GRACE_MS = 2_000;
const LAST_LINES_MS = 500;
/** What was killed mostly has died by then, and is not looked for: so long after the child itself, which is waited for a while. */
const SETTLE_MS = 3;
const DIES_MS = 25;

/**
 * A server as a child process:
 *   running → stopping → gone      its input is closed, then SIGTERM, then SIGKILL, each to the whole group
 *   running → stopping → gone      a halt, or it broke the rules of its output: SIGKILL at once
 *   running → gone                 it ended by itself
 * Whatever of its group is left when it ends is killed, and so is what left the group (connectors/kin.ts).
 */
export class Child {
  readonly #terms: ChildTerms;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #root: Root | null;
  readonly #ended = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  #swept: Promise<readonly number[]> | null = null;
  /** The one of them that has not begun. */
  #coming: Promise<readonly number[]> | null = null;
  #pieces: Buffer[] = [];
  #length = 0;
  #state: 'running' | 'stopping' | 'gone' = 'running';
  #words = '';
  /** It wrote at least one line, so it could be started. */
  spoke = false;

  constructor(terms: ChildTerms) {
    this.#terms = terms;
    const [program = '', ...args] = terms.command;
    const env = { ...terms.env, [MARK]: terms.mark };
    this.#process = terms.spawn(program, args, { cwd: terms.cwd, env });
    const { pid } = this.#process;
    giveWay(pid);
    this.#root = pid === undefined ? null : { pid, mark: terms.mark, started: startOf(pid) };
    const { stdin, stdout, stderr } = this.#process;
    stdout.on('data', (chunk: Buffer) => this.#read(chunk));
    stderr.on('data', (chunk: Buffer) => {
      this.#words = (this.#words + chunk.toString()).slice(-KEPT_WORDS);
    });
    for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {});
    this.#process.on('error', (error) => this.#end(`it cannot be started (${codeOf(error)})`));
    let why = 'it ended';
    this.#process.on('exit', (code, signal) => {
      this.#exited.resolve();
      why = signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`;
      // while anything of the group lives its number is not given to another
      this.#signal('SIGKILL');
      this.#sweep();
      // what it wrote last is still to be read, unless somebody who left the group holds the pipe
      terms.timers.after(LAST_LINES_MS, () => this.#end(why));
    });
    this.#process.on('close', () => this.#end(why));
  }

  /** Nothing more is sent to it. */
  get over(): boolean {
    return this.#state !== 'running';
  }

  /** The end of what it wrote to its error output. May hold secrets. */
  get lastWords(): string {
    return this.#words;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** False when it does not read what it is sent, or has ended: nothing was written. */
  write(text: string): boolean {
    const { stdin } = this.#process;
    if (this.#state !== 'running' || stdin.writableLength > MAX_BACKLOG) return false;
    stdin.write(`${text}\n`);
    return true;
  }

  /** Resolves when nothing of its group is left, and what left the group was killed. */
  async stop(): Promise<void> {
    if (this.#state === 'running') {
      this.#state = 'stopping';
      this.#process.stdin.end();
      const { timers } = this.#terms;
      const first = timers.after(ASIDE_MS, () => this.#signal('SIGTERM'));
      const last = timers.after(ASIDE_MS + GRACE_MS, () => this.#signal('SIGKILL'));
      void this.#ended.promise.then(() => {
        first.cancel();
        last.cancel();
      });
    }
    await this.#ended.promise;
    await this.#swept;
  }

  /** Everything of it at once. Answers with the pids that could not be killed. */
  async kill(): Promise<readonly number[]> {
    if (this.#state === 'running') this.#state = 'stopping';
    this.#signal('SIGKILL');
    const left = await this.#sweep();
    await this.#ended.promise;
    return left;
  }

  #read(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.#endLine(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start === chunk.length) return;
    this.#length += chunk.length - start;
    if (this.#length > MAX_LINE) void this.kill();
    else this.#pieces.push(start === 0 ? chunk : chunk.subarray(start));
  }

  #endLine(rest: Buffer): void {
    let line = rest;
    if (this.#pieces.length > 0) {
      line = Buffer.concat([...this.#pieces, rest]);
      this.#pieces = [];
      this.#length = 0;
    }
    const text = line.toString().trim();
    if (text === '' || this.#state === 'gone') return;
    this.spoke = true;
    this.#terms.line(text);
  }

  #end(why: string): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    for (const stream of [this.#process.stdin, this.#process.stdout, this.#process.stderr])
      stream.destroy();
    this.#terms.gone(why);
    this.#ended.resolve();
  }

  /**
   * One at a time; a later one looks again, since more may have been started meanwhile. A look at every process of the
   * machine holds up everything else here: who asks before it has begun shares it, and it comes after the first deaths.
   */
  #sweep(): Promise<readonly number[]> {
    const root = this.#root;
    if (root === null) return Promise.resolve([]);
    if (this.#coming !== null) return this.#coming;
    const { timers } = this.#terms;
    const before = this.#swept ?? Promise.resolve();
    const coming = before.then(async () => {
      const late = Promise.withResolvers<void>();
      const timer = timers.after(DIES_MS, late.resolve);
      await Promise.race([this.#exited.promise, late.promise]);
      timer.cancel();
      const settled = Promise.withResolvers<void>();
      timers.after(SETTLE_MS, settled.resolve);
      await settled.promise;
      this.#coming = null;
      return killKin(root, timers);
    });
    this.#coming = coming;
    this.#swept = coming;
    return coming;
  }

  #signal(name: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, name);
    } catch {
      // the group is empty
    }
  }
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown fault';
}
