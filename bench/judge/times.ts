/** Microseconds of one call. */
export interface Times {
  readonly p50us: number;
  readonly p99us: number;
}

const BATCH = 10;

/** Timed in batches of ten: one call is shorter than what the clock can tell. The first fifth only warms up. */
export function times(work: () => void, rounds: number): Times {
  const batches = Math.max(20, Math.ceil(rounds / BATCH));
  for (let index = 0; index < batches * 2; index++) work();
  const samples: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const from = performance.now();
    for (let index = 0; index < BATCH; index++) work();
    samples.push(((performance.now() - from) * 1_000) / BATCH);
  }
  samples.sort((a, b) => a - b);
  return { p50us: at(samples, 0.5), p99us: at(samples, 0.99) };
}

function at(sorted: readonly number[], part: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return Math.round(value * 100) / 100;
}
