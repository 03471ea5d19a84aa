/** From windows to what is printed. */

/** What is measured: `direct` is the echo alone, the others stand in front of it. */
export const KINDS = ['direct', 'naive', 'governed', 'forward'] as const;
/** The same in front of a server of the official SDK, where that server is most of the cost. */
export const SDK_KINDS = ['sdk_direct', 'sdk_naive', 'sdk_governed', 'sdk_forward'] as const;
export type Kind = (typeof KINDS)[number] | (typeof SDK_KINDS)[number] | 'write_approved';

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

type Row = Omit<Measurement, 'round' | 'commits'>;

/** Bytes that Signalbox holds after so many calls. */
export interface Memory {
  /** Null when the short form looked after fewer calls than that. */
  readonly at50k: number | null;
  readonly at200k: number | null;
  /** Part by which it grew between the two looks. */
  readonly growth: number;
  /** After how many calls it was looked at. */
  readonly calls: readonly [number, number];
}

export interface Pace {
  readonly p50ms: number;
  readonly p99ms: number;
  /** p99 over p50. */
  readonly ratio: number;
}

export interface HalfLoad extends Pace {
  readonly rps: number;
  /** The proxy that only forwards, at the same pace in the window before. */
  readonly forward: Pace;
}

export interface Summary {
  /** `governed_vs_*`: calls a second over calls a second, at the most connections; higher is better. `cpu_*`: lower is. */
  readonly ratios: {
    readonly governed_vs_naive: number;
    readonly governed_vs_forward: number;
    readonly cpu_vs_forward: number;
  };
  /** At one connection: median governed − median direct. */
  readonly addedP50ms: number;
  /** The same without the commits a call waits for, each taken as one small append and fdatasync of this run. */
  readonly addedP50beyondCommitsMs: number;
  readonly fsyncMs: number;
  readonly commitsPerCall: number;
  readonly memory: Memory;
  readonly halfLoad: HalfLoad;
  readonly rows: readonly Row[];
}

export interface Measured {
  readonly windows: readonly Measurement[];
  readonly connections: readonly number[];
  readonly fsyncMs: number;
  readonly memory: Memory;
  readonly halfLoad: readonly HalfLoad[];
}

export function summarise(measured: Measured): Summary {
  const { windows, connections, fsyncMs, memory } = measured;
  const of = (kind: Kind, wide: number): Measurement[] =>
    windows.filter((one) => one.kind === kind && one.connections === wide);
  const rows = ([...KINDS, 'write_approved', ...SDK_KINDS] as const).flatMap((kind) =>
    connections.flatMap((wide) => rowOf(kind, wide, of(kind, wide))),
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
  const addedP50ms = p50('governed') - p50('direct');
  return {
    ratios: {
      governed_vs_naive: rounded(ratio('governed', 'naive', 'rps'), 2),
      governed_vs_forward: rounded(ratio('governed', 'forward', 'rps'), 3),
      cpu_vs_forward: rounded(ratio('governed', 'forward', 'cpuUs'), 2),
    },
    addedP50ms: rounded(addedP50ms, 3),
    addedP50beyondCommitsMs: rounded(addedP50ms - commitsPerCall * fsyncMs, 3),
    fsyncMs: rounded(fsyncMs, 3),
    commitsPerCall: rounded(commitsPerCall, 2),
    memory: { ...memory, growth: rounded(memory.growth, 4) },
    halfLoad: middleOf(measured.halfLoad),
    rows,
  };
}

/** The window whose ratio is the median one, whole: its figures belong together. */
function middleOf(windows: readonly HalfLoad[]): HalfLoad {
  const sorted = [...windows].sort((a, b) => a.ratio - b.ratio);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error('no window at half load');
  return {
    rps: rounded(middle.rps, 0),
    ...roundedPace(middle),
    forward: roundedPace(middle.forward),
  };
}

function roundedPace({ p50ms, p99ms, ratio }: Pace): Pace {
  return { p50ms: rounded(p50ms, 3), p99ms: rounded(p99ms, 3), ratio: rounded(ratio, 2) };
}

function rowOf(kind: Kind, connections: number, windows: readonly Measurement[]): Row[] {
  if (windows.length === 0) return [];
  const middle = (what: keyof Omit<Row, 'kind'>): number =>
    median(windows.map((window) => window[what]));
  return [
    {
      kind,
      connections,
      rps: rounded(middle('rps'), 0),
      p50ms: rounded(middle('p50ms'), 3),
      p99ms: rounded(middle('p99ms'), 2),
      cpuUs: rounded(middle('cpuUs'), 1),
      loadUs: rounded(middle('loadUs'), 1),
    },
  ];
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
