import type { Broker } from '../../broker/broker.ts';
import type { Approval } from '../../domain/approval.ts';

/** How an ask stands when a held call looks at it again. */
export type AskState = Approval['state'] | 'expired';

const SLICE_MS = 5_000;
/** Timers are this coarse. */
const NEARLY_MS = 2;

/**
 * Holds a client while its ask is open. Resolves with the state that ended the wait: `pending` when the time is over
 * or the client is gone. Looks at the store after every notice and at least every five seconds: a notice can be lost.
 */
export async function holdWhilePending(
  broker: Broker,
  approvalId: string,
  until: { readonly deadline: number; readonly signal: AbortSignal },
  tick: () => void,
): Promise<AskState> {
  const { clock } = broker.doors;
  for (;;) {
    const left = until.deadline - clock.monotonic();
    const stop = new AbortController();
    const signal = AbortSignal.any([until.signal, stop.signal]);
    // Listen first, then look: an answer between the two must not wait for the next slice.
    const woken = broker.notices.wait(
      `ask:${approvalId}`,
      Math.ceil(Math.max(0, Math.min(SLICE_MS, left))),
      signal,
    );
    const state = await askState(broker, approvalId);
    if (state !== 'pending' || left < NEARLY_MS || until.signal.aborted) {
      stop.abort();
      return state;
    }
    tick();
    await woken;
  }
}

/** The ask as the store has it now. An ask that is gone counts as void. Throws `STORE_STALE` where nobody is served. */
export async function askState(broker: Broker, approvalId: string): Promise<AskState> {
  broker.freshness.require();
  const ask = await broker.store.ask(approvalId);
  if (ask === null) return 'void';
  const { state, binding } = ask.approval;
  const open = state === 'pending' || state === 'approved';
  return open && broker.doors.clock.now() >= binding.expiresAt ? 'expired' : state;
}
