/** Bad weather for one replica while the halt falls. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployment } from './deployment.ts';
import type { Adversity } from './one-drill.ts';
import type { SilentProxy } from './silent-proxy.ts';

/** The replica that suffers, and one that agents of every kind call. */
const SUFFERER = 1;
/** Longer than the bound after which a replica without news must have stopped. */
const CUT_OFF_MS = 3_000;
const SUSPENDED_MS = 3_000;
const JUST_NOW_MS = 300;
const PATIENCE_MS = 8_000;

export const ADVERSITIES: { readonly [name: string]: () => Adversity } = {
  /** Nothing arrives between it and the store any more, and nothing is refused. */
  partitioned: () => {
    let network: SilentProxy | null = null;
    return {
      afflicted: SUFFERER,
      answersCount: true,
      async ready(d) {
        network = await d.behindNetwork(SUFFERER);
      },
      async before(d) {
        await freshCall(d);
        network?.fallSilent();
      },
      async after() {
        await sleep(CUT_OFF_MS);
        network?.speak();
        await sleep(500);
      },
    };
  },
  /** The machine stops it in the midst of everything, and wakes it when all is over. */
  suspended: () => ({
    afflicted: SUFFERER,
    answersCount: false,
    async ready() {},
    async before(d) {
      d.replicas[SUFFERER]?.suspend();
    },
    async after(d) {
      await sleep(SUSPENDED_MS);
      d.replicas[SUFFERER]?.wake();
      await sleep(500);
    },
  }),
};

/** Waits until a slow call has only just arrived at its target: it would go on for longer than any bound. */
async function freshCall({ canary }: Deployment): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  while (Date.now() < until) {
    const seen = await canary.effects(Date.now() - JUST_NOW_MS);
    if (seen.some(({ what }) => what === '/victim/slow/page')) return;
    await sleep(10);
  }
}
