/**
 * `holds`: some values make the formulas true; those asked for, in their order, as the solver writes them. `never`: none
 * do. `unknown`: it could not say, was stopped, or does not run.
 */
export type Solved =
  | { readonly kind: 'holds'; readonly values: readonly string[] }
  | { readonly kind: 'never' }
  | { readonly kind: 'unknown'; readonly why: string };

/** A solver that is started for this and ended with it. */
export interface Solver {
  /** `script`: SMT-LIB up to what is asserted. `wanted`: terms whose values are to be told. Never rejects. */
  solve(script: string, wanted: readonly string[]): Promise<Solved>;
  close(): void;
}
