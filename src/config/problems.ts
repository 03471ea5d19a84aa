import { ERRORS, type ErrorCode, SignalboxError } from '../domain/errors.ts';

/** One fault of a configuration file: what was expected, what came, where (`path:line:column`), and what mends it. */
export interface ConfigProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly help: string;
  readonly at: string;
}

const MAX_LISTED = 50;

export function problem(
  code: ErrorCode,
  at: string,
  message: string,
  help: string = ERRORS[code].fix,
): ConfigProblem {
  return { code, message, help, at };
}

/** Every fault of one file together, in the order of the file. Code, message and place are those of the first. */
export class ConfigProblems extends SignalboxError {
  readonly problems: readonly ConfigProblem[];
  /** Faults beyond the fifty that are listed. */
  readonly unlisted: number;

  constructor(problems: readonly ConfigProblem[]) {
    const ordered = inFileOrder(problems);
    const first = ordered[0];
    if (first === undefined) throw new RangeError('a ConfigProblems without a problem');
    super(first.code, first.message, { help: first.help, at: first.at });
    this.name = 'ConfigProblems';
    this.problems = ordered.slice(0, MAX_LISTED);
    this.unlisted = ordered.length - this.problems.length;
  }

  /** Each fault on a line of its own with its mend below, for a terminal. */
  render(): string {
    const lines = this.problems.map(
      ({ at, code, message, help }) => `${at} ${code} ${message}\n  → ${help}`,
    );
    if (this.unlisted > 0) lines.push(`… and ${this.unlisted} more`);
    return lines.join('\n');
  }

  override toJSON(): ReturnType<SignalboxError['toJSON']> & {
    problems: readonly ConfigProblem[];
    unlisted: number;
  } {
    return { ...super.toJSON(), problems: this.problems, unlisted: this.unlisted };
  }
}

function inFileOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const unique = new Map(problems.map((each) => [`${each.at} ${each.message}`, each]));
  return [...unique.values()].sort((a, b) => {
    const [lineA, columnA] = placeOf(a.at);
    const [lineB, columnB] = placeOf(b.at);
    return lineA - lineB || columnA - columnB;
  });
}

function placeOf(at: string): [number, number] {
  const [, line = '0', column = '0'] = /:(\d+):(\d+)$/.exec(at) ?? [];
  return [Number(line), Number(column)];
}
