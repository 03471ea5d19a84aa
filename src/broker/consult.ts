import { type ConsultAnswer, consultsFor } from '../domain/consult.ts';
import type { Decision } from '../domain/decision.ts';
import type { Facts } from '../domain/facts.ts';
import type { Proposal } from '../domain/proposal.ts';
import type { Store } from '../domain/store.ts';
import { courseOf } from '../judge/course.ts';
import type { Broker } from './broker.ts';
import { ask } from './consult-spend.ts';
import { gather } from './gather.ts';

/** How long an answer about one call stands: until it is judged again, or comes back with its approval. */
const STANDS_MS = 10 * 60_000;
const KEPT = 1_024;

interface Heard {
  readonly answers: readonly ConsultAnswer[];
  readonly until: number;
}

const heard = new WeakMap<Store, Map<string, Heard>>();

/**
 * Asks those outside whom the bundle names about an action that nothing here is against. What they say is one of the
 * facts from then on, so it is judged like the rest and can only lower. After waiting for them everything is gathered
 * anew: halts, limits and the clock did not wait.
 */
export async function consulted(
  broker: Broker,
  proposal: Proposal,
  facts: Facts,
  decision: Decision,
): Promise<Facts> {
  const consults = consultsFor(facts);
  const course = courseOf(decision, facts);
  if (consults.length === 0 || course === 'decline' || course === 'wait') return facts;
  const key = keyOf(facts);
  const known = heard.get(broker.store)?.get(key);
  if (known !== undefined && facts.now < known.until) return { ...facts, consulted: known.answers };
  const answers = await Promise.all(consults.map((one) => ask(broker, one, facts)));
  if (answers.every(({ code }) => code !== 'CONSULT_FAILED' && code !== 'CONSULT_BUDGET'))
    keep(broker, key, answers);
  const fresh = await gather(broker, proposal);
  // who is to be asked, and about what, may be another thing by now
  if (keyOf(fresh) !== key) return { ...fresh, consulted: [changed(answers)] };
  return { ...fresh, consulted: answers };
}

function keep(broker: Broker, key: string, answers: readonly ConsultAnswer[]): void {
  const all = heard.get(broker.store) ?? new Map<string, Heard>();
  heard.set(broker.store, all);
  if (all.size >= KEPT) all.clear();
  all.set(key, { answers, until: broker.doors.clock.now() + STANDS_MS });
}

/** One call under one bundle. */
function keyOf({ bundle, run, tool, argumentsDigest }: Facts): string {
  return `${bundle.digest} ${run?.id} ${tool?.digest} ${argumentsDigest}`;
}

function changed(answers: readonly ConsultAnswer[]): ConsultAnswer {
  return {
    consult: answers.map(({ consult }) => consult).join(', '),
    ceiling: 'deny',
    code: 'CONSULT_FAILED',
    reason: 'the configuration changed while others were asked about this',
  };
}
