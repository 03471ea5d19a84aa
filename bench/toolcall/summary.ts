/** From windows to what is printed. */

/** What is measured: `direct` is the echo alone, the others stand in front of it. */
export const KINDS = ['direct', 'naive', 'governed', 'forward'] as const;
export type Kind = (typeof KINDS)[number] | 'write_approved';

export interface Measurement {
  readonly kind: Kind;
  readonly connections: number;
  readonly round: number;
  readonly rps: number;
  readonly p50ms: number;
  readonly p99ms: number;
  /** Processor time of the measured process, µs a call. */
  readonly cpuUs: number;
  /** The same of the generator: when it is larger than the measured one's, the generator is the limit. */
  readonly loadUs: number;
  /** Transactions handed to the store, a call; 0 where there is none. */
  readonly commits: number;
}

export interface Row {
  readonly kind: Kind;
  readonly connections: number;
  readonly rps: number;
  readonly p50ms: number;
  readonly p99ms: number;
  readonly cpuUs: number;
  readonly loadUs: number;
}

export interface Summary {
  /** `governed_vs_*`: calls a second over calls a second, at the most connections; higher is better. `cpu_*`: lower is. */
  readonly ratios: {
    readonly governed_vs_naive: number;
    readonly governed_vs_forward: number;
    readonly cpu_vs_forward: number;
  };
  /** At one connection: median governed − median direct − the commits it waits for. */
  readonly addedP50ms: number;
  readonly fsyncMs: number;
  readonly commitsPerCall: number;
  readonly rows: readonly Row[];
}

export function summarise(
  measured: readonly Measurement[],
  fsyncMs: number,
  connections: readonly number[],
): Summary {
  const of = (kind: Kind, wide: number): Measurement[] =>
    measured.filter((one) => one.kind === kind && one.connections === wide);
  const rows = ([...KINDS, 'write_approved'] as const).flatMap((kind) =>
    connections.map((wide) => rowOf(kind, wide, of(kind, wide))),
  );
  const widest = Math.max(...connections);
  // Round by round, so that a slow minute of the machine falls on both sides of the division.
  const ratio = (above: Kind, below: Kind, what: 'rps' | 'cpuUs'): number =>
    median(
      of(above, widest).map((one) => {
        const other = of(below, widest).find(({ round }) => round === one.round);
        return one[what] / (other?.[what] ?? Number.NaN);
      }),
    );
  const commitsPerCall = median(of('governed', 1).map(({ commits }) => commits));
  const p50 = (kind: Kind): number => median(of(kind, 1).map(({ p50ms }) => p50ms));
  return {
    ratios: {
      governed_vs_naive: rounded(ratio('governed', 'naive', 'rps'), 2),
      governed_vs_forward: rounded(ratio('governed', 'forward', 'rps'), 3),
      cpu_vs_forward: rounded(ratio('governed', 'forward', 'cpuUs'), 2),
    },
    addedP50ms: rounded(p50('governed') - p50('direct') - commitsPerCall * fsyncMs, 3),
    fsyncMs: rounded(fsyncMs, 3),
    commitsPerCall: rounded(commitsPerCall, 2),
    rows,
  };
}

function rowOf(kind: Kind, connections: number, windows: readonly Measurement[]): Row {
  const middle = (what: 'rps' | 'p50ms' | 'p99ms' | 'cpuUs' | 'loadUs'): number =>
    median(windows.map((window) => window[what]));
  return {
    kind,
    connections,
    rps: rounded(middle('rps'), 0),
    p50ms: rounded(middle('p50ms'), 3),
    p99ms: rounded(middle('p99ms'), 2),
    cpuUs: rounded(middle('cpuUs'), 1),
    loadUs: rounded(middle('loadUs'), 1),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
