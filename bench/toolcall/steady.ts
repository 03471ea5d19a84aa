/** An open loop: calls come at their own pace, whatever became of the earlier ones, as they do from many agents. */
import type { Lane } from './lane.ts';
import type { CallMade, Source, Tally } from './load.ts';

interface Due {
  readonly call: CallMade;
  readonly since: number;
}

/**
 * Sends `rps` calls a second for `ms`, a few each millisecond, over whichever connection is free. A call is timed from
 * when it was due to be sent: waiting for a free connection counts.
 */
export async function steadily(
  lanes: readonly Lane[],
  sources: readonly Source[],
  { rps, ms }: { readonly rps: number; readonly ms: number },
  tally: Tally,
): Promise<void> {
  // A connection belongs to one run's token, so each token has its own free ones and its own queue.
  const idle = sources.map((_, index) => lanes.filter((_, at) => at % sources.length === index));
  const queues: Due[][] = sources.map(() => []);
  const ended = Promise.withResolvers<void>();
  let made = 0;
  let open = 0;
  let over = false;

  const send = (at: number): void => {
    for (;;) {
      const lane = idle[at]?.pop();
      if (lane === undefined) return;
      const due = queues[at]?.shift();
      if (due === undefined) return void idle[at]?.push(lane);
      const settle = (answer: string | Error): void => {
        tally.note(due.call, answer, performance.now() - due.since);
        open--;
        const broken = answer instanceof Error;
        if (!broken) idle[at]?.push(lane);
        if (broken || (over && open === 0)) ended.resolve();
        else send(at);
      };
      lane.ask(due.call.bytes).then(settle, settle);
    }
  };

  const started = performance.now();
  const ticking = setInterval(() => {
    const now = performance.now();
    const wanted = Math.floor((Math.min(now - started, ms) * rps) / 1_000);
    for (; made < wanted; made++) {
      const at = made % sources.length;
      const call = sources[at]?.() ?? null;
      if (call === null) continue;
      open++;
      queues[at]?.push({ call, since: now });
      send(at);
    }
    if (now - started < ms) return;
    clearInterval(ticking);
    over = true;
    if (open === 0) ended.resolve();
  }, 1);
  await ended.promise;
}
