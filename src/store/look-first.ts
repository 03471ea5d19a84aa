import type { Op, OpResults } from '../domain/ops.ts';
import { admit, admitRead, decline, mark, settle } from './actions.ts';
import { fault, type Ground } from './ground.ts';
import { refund, spend } from './spends.ts';
import type { Work } from './work.ts';

/** Ops whose rules are one text for both stores. They look before they write: one that is refused has written nothing. */
const RULES = {
  read: admitRead,
  unreadable: (): never => {
    throw fault('a line feed in a name, scope or limit of a read');
  },
  'run.spend': spend,
  'run.refund': refund,
  'action.admit': admit,
  'action.mark': mark,
  'action.settle': settle,
  'action.decline': decline,
};

export type Common = Extract<Work, { readonly kind: keyof typeof RULES }>;
/** Those that each store does in its own way. */
export type Rare = Exclude<Work, Common>;

export function isCommon(work: Work): work is Common {
  return Object.hasOwn(RULES, work.kind);
}

export function decide(tx: Ground, work: Common): OpResults[Op['kind']] {
  const rule = RULES[work.kind] as (tx: Ground, work: Common) => OpResults[Op['kind']];
  return rule(tx, work);
}
