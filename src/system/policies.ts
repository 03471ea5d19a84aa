import { PolicyAlarms, type PolicyAlarmsParts } from '../broker/policy-alarms.ts';
import type { Bundle } from '../domain/bundle.ts';
import { soon } from '../doors.ts';
import { PolicyRoom } from '../policy/policies.ts';
import { Reference } from '../policy/reference.ts';

/** Between two steps of making policies ready, calls have their turn. */
const pause = (): Promise<void> => new Promise((resolve) => soon(resolve));

export function policiesWith(parts: PolicyAlarmsParts): {
  readonly policies: PolicyRoom;
  readonly policyAlarms: PolicyAlarms;
} {
  const policyAlarms = new PolicyAlarms(parts);
  const policies = new PolicyRoom(
    (alarm) => policyAlarms.told(alarm),
    () => new Reference(),
    pause,
  );
  return { policies, policyAlarms };
}

/** Tells each of them of a bundle. */
export function learning(
  ...rooms: readonly { learn(bundle: Bundle): void }[]
): (bundle: Bundle) => void {
  return (bundle) => {
    for (const room of rooms) room.learn(bundle);
  };
}
