/** What one check found. `detail` is one calm line; every problem is one line and makes it fail. */
export interface Finding {
  readonly detail: string;
  readonly problems: readonly string[];
}

export interface Check {
  readonly name: string;
  /** Cheap enough to run before every `npm test`. */
  readonly quick: boolean;
  run(): Promise<Finding> | Finding;
}

export interface Result extends Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
}

export async function runCheck(check: Check): Promise<Result> {
  const started = performance.now();
  const finding = await attempt(check);
  return {
    name: check.name,
    ok: finding.problems.length === 0,
    ms: Math.round(performance.now() - started),
    ...finding,
  };
}

async function attempt(check: Check): Promise<Finding> {
  try {
    return await check.run();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { detail: 'did not finish', problems: [message] };
  }
}

export function line(result: Result): string {
  const mark = result.ok ? 'ok  ' : 'FAIL';
  return `${result.name.padEnd(16)} ${mark}  ${result.detail.padEnd(60)} ${String(result.ms).padStart(6)} ms`;
}
