import { type ChildProcess, fork } from 'node:child_process';
import type { Timers } from '../domain/doors.ts';
import type { Solved, Solver } from '../domain/solver.ts';
import { spoken } from './solver-words.ts';

const START_MS = 20_000;
/** What Z3 is given for one question; it is killed when it does not keep to that. */
const QUESTION_MS = 5_000;
const GRACE_MS = 3_000;

/**
 * Z3 in a process of its own, one question at a time:
 *   none → starting → idle ⇄ asked      at the first question
 *   any → none                          it did not answer in time, or ended: unknown, and the next question starts another
 */
export class ChildSolver implements Solver {
  readonly #timers: Timers;
  #process: ChildProcess | null = null;
  #told: (text: string | null) => void = () => {};

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  async solve(script: string, wanted: readonly string[]): Promise<Solved> {
    const child = await this.#running();
    if (child === null) return { kind: 'unknown', why: 'the solver did not start' };
    const answer = this.#answer(QUESTION_MS + GRACE_MS);
    const values = wanted.length === 0 ? '' : `\n(get-value (${wanted.join(' ')}))`;
    child.send(`(set-option :timeout ${QUESTION_MS})\n${script}\n(check-sat)${values}`);
    const text = await answer;
    if (text !== null) return spoken(text, wanted.length);
    this.close();
    return { kind: 'unknown', why: 'the solver ran out of time or memory' };
  }

  close(): void {
    this.#process?.kill('SIGKILL');
    this.#process = null;
  }

  async #running(): Promise<ChildProcess | null> {
    if (this.#process !== null) return this.#process;
    const name = import.meta.url.endsWith('.ts') ? './solver-process.ts' : './solver-process.js';
    const child = fork(new URL(name, import.meta.url), [], {
      env: {},
      execArgv: ['--max-old-space-size=256'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#process = child;
    const ended = (): void => {
      if (this.#process === child) this.#process = null;
      this.#told(null);
    };
    child.on('message', (message: { readonly text: string }) => this.#told(message.text));
    child.on('error', ended);
    child.on('exit', ended);
    if ((await this.#answer(START_MS)) !== null) return child;
    this.close();
    return null;
  }

  /** Null: nothing came in time. */
  #answer(ms: number): Promise<string | null> {
    const said = Promise.withResolvers<string | null>();
    const timer = this.#timers.after(ms, () => this.#told(null));
    this.#told = (text) => {
      timer.cancel();
      this.#told = () => {};
      said.resolve(text);
    };
    return said.promise;
  }
}
