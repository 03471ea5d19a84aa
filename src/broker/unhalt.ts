import { SignalboxError } from '../domain/errors.ts';
import { AUTOMATIC, type Halt, type HaltScope, LOCAL } from '../domain/halt.ts';
import type { Broker } from './broker.ts';
import { resume } from './halt.ts';

export interface Unhalt {
  readonly scope: HaltScope;
  readonly reason: string;
  readonly by: { readonly name: string; readonly role: 'owner' | 'operator' };
  /** The operator's key came with this very request; a session is no proof of it. */
  readonly proven: boolean;
}

/**
 * Lifts a halt, by whoever may:
 *   everything, an automatic or a local halt      an owner
 *   with two or more operators                    somebody else than who raised it
 *   the only operator there is                    with the key in this request; recorded as lifted alone
 * Throws RESUME_NEEDS_OWNER, RESUME_NEEDS_ANOTHER, RESUME_NEEDS_KEY, HALT_NOT_FOUND.
 */
export async function unhalt(broker: Broker, { scope, reason, by, proven }: Unhalt): Promise<Halt> {
  const { halts } = await broker.store.haltState();
  const standing = halts.filter((halt) => halt.scope === scope);
  const raisers = new Set(standing.map((halt) => halt.by));
  // one that is raised from now on was judged by nobody, and stays
  const upTo = Math.max(0, ...standing.map(({ epoch }) => epoch));
  const machine = raisers.has(AUTOMATIC) || raisers.has(LOCAL);
  if ((scope === 'all' || machine) && by.role !== 'owner')
    throw new SignalboxError(
      'RESUME_NEEDS_OWNER',
      `\`${by.name}\` is an operator, and ${scope === 'all' ? 'a halt of everything' : 'a halt that no operator raised'} is lifted by an owner`,
    );
  const alone = raisers.has(by.name);
  if (alone && (await broker.store.operatorCount()) > 1)
    throw new SignalboxError(
      'RESUME_NEEDS_ANOTHER',
      `\`${by.name}\` raised the halt on \`${scope}\`, so somebody else lifts it`,
    );
  if (alone && !proven)
    throw new SignalboxError(
      'RESUME_NEEDS_KEY',
      'the only operator lifts an own halt with the operator key itself, not with a session',
    );
  return resume(broker, { scope, reason, by: by.name, upTo, ...(alone ? { alone } : {}) });
}
