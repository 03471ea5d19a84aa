import type { Broker } from './broker.ts';
import type { Freshness } from './freshness.ts';

/** What became of a halt on another replica: ms after it was raised until all had landed there, or how long it is silent. */
export interface Landing {
  readonly replica: string;
  readonly landedMs: number | null;
  readonly silentMs: number | null;
}

/** What an aborted flight may take to come down, beyond the bound at which a silent replica stops itself. */
const ABORT_GRACE_MS = 1_000;
/** A replica that was heard of so lately may still act, or be bringing down what it flew. */
export function mayFly({ boundMs }: Pick<Freshness, 'boundMs'>): number {
  return boundMs + ABORT_GRACE_MS;
}

/** How often it is asked again while no notice of a landing comes, at first and later. */
const SOON_MS = 25;
const LATER_MS = 250;
const SOON = 80;

/**
 * Waits until on every other replica all that a halt up to `epoch` had to bring down has landed, or that replica has
 * been silent for so long that it has stopped by itself. `heard` is told whenever more is known.
 */
export async function landings(
  broker: Broker,
  epoch: number,
  heard: (known: readonly Landing[]) => void = () => {},
): Promise<readonly Landing[]> {
  const { freshness, store, doors } = broker;
  if (store.alone) return [];
  const started = doors.clock.monotonic();
  const landedAt = new Map<string, number>();
  for (let asked = 0; ; asked++) {
    const known = freshness.isFresh ? freshness.others : [];
    const report = known.map(({ id, landed, quietMs }): Landing => {
      if (landed >= epoch && !landedAt.has(id)) landedAt.set(id, doors.clock.monotonic() - started);
      const landedMs = landedAt.get(id) ?? null;
      const isSilent = landedMs === null && quietMs > mayFly(freshness);
      return { replica: id, landedMs, silentMs: isSilent ? quietMs : null };
    });
    heard(report);
    const isOver = report.every(({ landedMs, silentMs }) => landedMs !== null || silentMs !== null);
    if (isOver && freshness.isFresh && freshness.epoch >= epoch) return report;
    await broker.notices.wait('landed', asked < SOON ? SOON_MS : LATER_MS);
    const haveTold = freshness.others.every(({ landed }) => landed >= epoch);
    if (!haveTold || !freshness.isFresh || freshness.epoch < epoch) await freshness.lookAgain();
  }
}
