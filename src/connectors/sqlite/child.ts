import { type ChildProcess, fork } from 'node:child_process';
import { ConnectorFailure } from '../../domain/connector.ts';
import type { Timers } from '../../domain/doors.ts';
import type { StopSignal } from '../../domain/stop.ts';
import type { Answer, Question, Ran, Studied } from './wire.ts';

const START_MS = 10_000;
const MEMORY_MB = 256;

/**
 * One process with one file, asked one thing at a time:
 *   starting → idle ⇄ asked → gone      gone: killed, or ended by itself; what was open was rolled back by SQLite
 */
export class SqliteChild {
  readonly #process: ChildProcess;
  readonly #timers: Timers;
  #waiting: { resolve(answer: Answer): void; reject(error: Error): void } | null = null;
  #gone = false;

  /** Throws CONNECTOR_UNREACHABLE when the file cannot be opened. */
  static async start(
    file: string,
    mode: 'read' | 'write',
    timers: Timers,
    signal?: StopSignal,
  ): Promise<SqliteChild> {
    const child = new SqliteChild(file, mode, timers);
    const answer = await child.#answer(START_MS, signal);
    if (answer.ok) return child;
    child.kill();
    throw new ConnectorFailure('CONNECTOR_UNREACHABLE', answer.message, 'none');
  }

  private constructor(file: string, mode: 'read' | 'write', timers: Timers) {
    this.#timers = timers;
    const name = import.meta.url.endsWith('.ts') ? './process.ts' : './process.js';
    this.#process = fork(new URL(name, import.meta.url), [file, mode], {
      env: {},
      execArgv: [`--max-old-space-size=${MEMORY_MB}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#process.on('message', (answer: Answer) => {
      this.#waiting?.resolve(answer);
    });
    const ended = (): void => {
      this.#gone = true;
      this.#waiting?.reject(new Error('the process that holds the file ended'));
    };
    this.#process.on('error', ended);
    this.#process.on('exit', ended);
  }

  get gone(): boolean {
    return this.#gone;
  }

  /**
   * Killed when it takes longer than `ms` or is aborted. Throws ConnectorFailure (`effect: 'none'`), or an Error when the
   * process was lost: what that means is for the asker to say.
   */
  async ask(question: Question, ms: number, signal?: StopSignal): Promise<Studied | Ran | null> {
    if (this.#gone) throw new Error('the process that holds the file ended');
    const answer = this.#answer(ms, signal);
    this.#process.send(question);
    const got = await answer;
    if (got.ok) return got.value;
    if (got.why === 'drifted') throw new ConnectorFailure('TOOL_DRIFTED', got.message, 'none');
    const message = got.why === 'busy' ? 'the file is locked by another program' : got.message;
    throw new ConnectorFailure('CONNECTOR_REFUSED', message, 'none');
  }

  kill(): void {
    this.#gone = true;
    this.#process.kill('SIGKILL');
  }

  /** Lets this process end while that one idles. */
  idle(isIdle: boolean): void {
    const { channel } = this.#process;
    if (isIdle) {
      this.#process.unref();
      channel?.unref();
    } else {
      this.#process.ref();
      channel?.ref();
    }
  }

  async #answer(ms: number, signal?: StopSignal): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting = { resolve, reject };
    const stop = (error: unknown): void => {
      this.kill();
      reject(error);
    };
    const late = (): void =>
      stop(
        new ConnectorFailure('CONNECTOR_TIMEOUT', 'the statement took longer than it may', 'none'),
      );
    const abort = (): void => stop(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    const timer = this.#timers.after(ms, late);
    try {
      return await promise;
    } finally {
      timer.cancel();
      signal?.removeEventListener('abort', abort);
      this.#waiting = null;
    }
  }
}
