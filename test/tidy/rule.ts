import { lineAt, type Source } from './source.ts';

export interface Problem {
  readonly line: number;
  readonly message: string;
}

/** A rule of the house. It carries what it must find and what it must leave alone. */
export interface Rule {
  readonly name: string;
  readonly reason: string;
  applies(path: string): boolean;
  check(file: Source): Problem[];
  /** `[path, text]` that the rule must find at least one problem in. */
  readonly bad: readonly (readonly [path: string, text: string])[];
  /** `[path, text]` that it applies to and must not complain about. */
  readonly good: readonly (readonly [path: string, text: string])[];
}

export const isTest = (path: string): boolean => path.endsWith('.test.ts');
export const isCode = (path: string): boolean => /\.[tj]s$/.test(path);
/** What ships: not the tests beside it, nor what only tests use. */
export const isProduct = (path: string): boolean =>
  path.startsWith('src/') && path.endsWith('.ts') && !isTest(path) && !path.includes('/testing/');

export function matches(text: string, pattern: RegExp, message: string): Problem[] {
  return [...text.matchAll(new RegExp(pattern, `${pattern.flags.replace('g', '')}g`))].map(
    (match) => ({ line: lineAt(text, match.index), message: message.replace('$&', match[0]) }),
  );
}
