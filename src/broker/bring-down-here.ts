import type { HaltScope } from '../domain/halt.ts';
import { bringDown, releaseLater } from './bring-down.ts';
import type { Broker } from './broker.ts';
import { runsOf } from './local-gate.ts';
import { runsUnder } from './scopes.ts';

const AGAIN_MS = 1_000;

/**
 * Brings down on this replica what a halt that was raised on another reaches; who waits looks at the store again.
 * Resolves when none of it can have an effect any more: what could not be ended, or not be found, is tried without end.
 * Credentials are revoked by who raised the halt; here they are forgotten.
 */
export async function bringDownHere(broker: Broker, scope: HaltScope): Promise<void> {
  const letGo = broker.credentials.letGo(scope);
  broker.notices.wakeAll();
  for (let known = runsOf(broker, scope); ; ) {
    const first = bringDown(broker, scope, known);
    const under = await runsUnder(broker, scope).catch(() => null);
    if (under !== null) known = new Set([...known, ...under.map(({ id }) => id)]);
    const rest = bringDown(broker, scope, known);
    void releaseLater(broker, known, Promise.withResolvers<never>().promise);
    const left = (await Promise.all([first.landed, rest.landed])).flat();
    if (under !== null && left.length === 0) break;
    await new Promise<void>((resolve) => broker.doors.timers.after(AGAIN_MS, resolve));
  }
  await letGo;
}
