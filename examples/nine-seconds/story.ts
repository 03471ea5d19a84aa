/**
 * The record of the story: every step says what was expected and what was found at the target, and
 * holds when the two are the same words. Written for people as it happens, as one JSON object at the end.
 */
import { performance } from 'node:perf_hooks';

export interface Step {
  readonly step: string;
  readonly expected: string;
  readonly got: string;
  readonly ok: boolean;
  /** How long what the step is about took; never the waiting for the checks after it. */
  readonly ms: number;
}

/** What a step found. `notes` are for people only; `ms` when the step timed its own subject. */
export interface Finding {
  readonly got: string;
  readonly ms?: number;
  readonly notes?: readonly string[];
}

export interface Page {
  /** Where the story goes. */
  write(text: string): void;
  /** Announces a wait that lasts more than a second; null when it is over. */
  progress(text: string | null): void;
  readonly colour: boolean;
}

const LABEL = 15;
const TEXT = 69;
const FIRST_WORD_MS = 1_000;

export class Story {
  readonly steps: Step[] = [];
  readonly #page: Page;
  #told = false;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Told to its end, and every step found what it expected. */
  get ok(): boolean {
    return this.#told && this.steps.every(({ ok }) => ok);
  }

  end(): void {
    this.#told = true;
  }

  line(text = ''): void {
    this.#page.write(`${text}\n`);
  }

  chapter(title: string): void {
    this.line();
    this.line(this.#ink(1, title));
  }

  /** An indented line under what was just told. */
  note(text: string): void {
    this.line(`${' '.repeat(LABEL + 5)}${this.#ink(2, text)}`);
  }

  /** @throws what `look` throws, after recording the step as failed: the rest of the story has no ground. */
  async step(step: string, expected: string, look: () => Promise<Finding>): Promise<void> {
    const began = performance.now();
    let finding: Finding;
    try {
      finding = await this.waiting(`at "${step}"`, look());
    } catch (error) {
      this.#record({ step, expected, got: `stopped: ${messageOf(error)}`, ok: false, ms: 0 }, []);
      throw error;
    }
    const ms = Math.round((finding.ms ?? performance.now() - began) * 10) / 10;
    const { got } = finding;
    this.#record({ step, expected, got, ok: got === expected, ms }, finding.notes ?? []);
  }

  /** Says what is awaited once it takes more than a second. */
  async waiting<Result>(what: string, work: Promise<Result>): Promise<Result> {
    let said = false;
    const timer = setTimeout(() => {
      said = true;
      this.#page.progress(`… ${what}`);
    }, FIRST_WORD_MS);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
      if (said) this.#page.progress(null);
    }
  }

  #record(step: Step, notes: readonly string[]): void {
    this.steps.push(step);
    const mark = step.ok ? this.#ink(32, '✓') : this.#ink(31, '✗');
    const label = step.step.padEnd(LABEL);
    const text = step.ok ? step.got : `expected ${step.expected}`;
    this.line(`  ${mark} ${label} ${text.padEnd(TEXT)} ${this.#ink(2, duration(step.ms))}`);
    if (!step.ok) this.line(`${' '.repeat(LABEL + 5)}${this.#ink(31, `got      ${step.got}`)}`);
    for (const note of notes) this.note(note);
  }

  #ink(code: number, text: string): string {
    return this.#page.colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `1,500`: the same in every locale. */
export function number(value: number): string {
  return value.toLocaleString('en-US');
}
