import type { Broker } from '../../broker/broker.ts';
import type { Approval } from '../../domain/approval.ts';
import { Stop, type StopSignal } from '../../domain/stop.ts';

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
  until: { readonly deadline: number; readonly signal: StopSignal },
  tick: () => void,
): Promise<AskState> {
  const { clock } = broker.doors;
  for (;;) {
    const left = until.deadline - clock.monotonic();
    const stop = new Stop();
    const leave = (): void => stop.abort();
    until.signal.addEventListener('abort', leave);
    // Listen first, then look: an answer between the two must not wait for the next slice.
    const woken = broker.notices.wait(
      `ask:${approvalId}`,
      Math.ceil(Math.max(0, Math.min(SLICE_MS, left))),
      stop,
    );
    const state = await askState(broker, approvalId);
    if (state !== 'pending' || left < NEARLY_MS || until.signal.aborted) {
      leave();
      until.signal.removeEventListener('abort', leave);
      return state;
    }
    tick();
    await woken;
    until.signal.removeEventListener('abort', leave);
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
