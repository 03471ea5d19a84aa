import type { Bundle } from '../domain/bundle.ts';
import { PolicyRoom } from '../policy/policies.ts';

/** Policies; what is wrong with those of a bundle is told in the log. */
export function policiesWith(log: (line: string) => void): PolicyRoom {
  return new PolicyRoom(({ kind, bundle, tool, why }) => {
    const whose = tool === null ? 'all tools' : `\`${tool}\``;
    const what = kind === 'failed' ? 'denied' : 'decided by the reference engine alone';
    log(`policies of bundle ${bundle.slice(0, 12)}: ${whose}: ${what}: ${why}`);
  });
}

/** Tells each of them of a bundle. */
export function learning(
  ...rooms: readonly { learn(bundle: Bundle): void }[]
): (bundle: Bundle) => void {
  return (bundle) => {
    for (const room of rooms) room.learn(bundle);
  };
}
