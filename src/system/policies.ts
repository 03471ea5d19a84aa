import { PolicyAlarms, type PolicyAlarmsParts } from '../broker/policy-alarms.ts';
import type { Bundle } from '../domain/bundle.ts';
import { soon } from '../doors.ts';
import { judge } from '../judge/judge.ts';
import { PolicyRoom } from '../policy/policies.ts';
import { Reference } from '../policy/reference.ts';
import { Shadow, type ShadowReport } from '../policy/shadow.ts';

/** Between two steps of making policies ready, calls have their turn. */
const pause = (): Promise<void> => new Promise((resolve) => soon(resolve));

export function policiesWith(parts: PolicyAlarmsParts): {
  readonly policies: PolicyRoom;
  readonly policyAlarms: PolicyAlarms;
  readonly shadow: Shadow;
} {
  const policyAlarms = new PolicyAlarms(parts);
  const policies = new PolicyRoom(
    (alarm) => policyAlarms.told(alarm),
    () => new Reference(),
    pause,
  );
  const tell = (report: ShadowReport): void => noteShadow(parts, report);
  return { policies, policyAlarms, shadow: new Shadow({ pause, judge, tell }) };
}

/** A candidate that disagrees is in the ledger with its counts: examples hold reasons, which may quote arguments. */
function noteShadow({ store, doors, log }: PolicyAlarmsParts, report: ShadowReport): void {
  const { agents: _, examples: __, tools, ...counts } = report;
  const body = { ...counts, tools: tools.map((one) => ({ ...one })) };
  const { changed, decisions } = counts;
  log(`policies: the candidate would have decided ${changed} of ${decisions} otherwise`);
  store
    .commit({ kind: 'system.note', type: 'policy.shadow', body, at: doors.clock.now() })
    .catch((error: Error) => log(`policy.shadow could not be recorded: ${error.message}`));
}

/** Tells each of them of a bundle. */
export function learning(
  ...rooms: readonly { learn(bundle: Bundle): void }[]
): (bundle: Bundle) => void {
  return (bundle) => {
    for (const room of rooms) room.learn(bundle);
  };
}
