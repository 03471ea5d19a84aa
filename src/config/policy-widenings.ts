import type { Bundle } from '../domain/bundle.ts';
import { effectOf } from '../policy/effect-of.ts';
import type { Change } from './changes.ts';

/** How a change of policies, hours or freezes may let more happen. What an edited policy now allows only a replay shows. */
export function policyWidens(
  { subject, name, kind }: Pick<Change, 'subject' | 'name' | 'kind'>,
  before: Bundle,
  after: Bundle,
): string[] {
  if (subject === 'working hours')
    return kind === 'added' ? [] : ['the working hours are others: more may count as one of them'];
  if (subject === 'freeze')
    return kind === 'added'
      ? []
      : [`the freeze \`${name}\` ${kind === 'removed' ? 'is gone' : 'has other times'}`];
  const was = effectOf(before.policies?.set[name]);
  const is = effectOf(after.policies?.set[name]);
  if (kind === 'changed')
    return [
      `policy \`${name}\` reads otherwise: it may ${is === 'forbid' ? 'forbid less' : 'permit more'}`,
    ];
  if (kind === 'removed' && was === 'forbid')
    return [`policy \`${name}\` no longer forbids anything`];
  // before there were policies everything that was granted was permitted
  return kind === 'added' && is === 'permit' && before.policies !== undefined
    ? [`policy \`${name}\` may permit what was not permitted before`]
    : [];
}
