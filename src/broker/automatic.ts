import type { TripKind } from '../domain/automatic-halt.ts';
import type { Facts } from '../domain/facts.ts';
import { AUTOMATIC } from '../domain/halt.ts';
import type { Outcome } from '../domain/proposal.ts';
import type { Store } from '../domain/store.ts';
import { type Counts, tripped } from '../limits/trips.ts';
import type { Broker } from './broker.ts';
import { raise } from './halt.ts';

/** What this replica has counted; the others count their own. */
const counted = new WeakMap<Store, Counts>();

/**
 * Counts an outcome that is none to be glad of, and halts its run or agent when it is one too many. Nothing waits for
 * that halt: the outcome is told as it is.
 */
export function mind(broker: Broker, facts: Facts, outcome: Outcome): void {
  const rules = facts.bundle.automaticHalts;
  const kind = rules === undefined ? null : kindOf(facts, outcome);
  if (rules === undefined || kind === null || facts.run === null) return;
  const { id: runId, agent } = facts.run;
  const mishap = { kind, code: codeOf(outcome), runId, agent, at: broker.doors.clock.now() };
  const { counts, trip } = tripped(counted.get(broker.store) ?? new Map(), rules, mishap);
  counted.set(broker.store, counts);
  if (trip === null) return;
  raise(broker, { ...trip, by: AUTOMATIC })
    .then((finished) => finished())
    // a store that takes no halt takes no intent either
    .catch(() => {});
}

function kindOf({ tool }: Facts, outcome: Outcome): TripKind | null {
  if (outcome.kind === 'unknown') return tool?.effect === 'destroy' ? 'unknownDestroys' : null;
  if (outcome.kind === 'failed')
    return outcome.code === 'CREDENTIAL_FAILED' ? 'failedCredentials' : null;
  if (outcome.kind !== 'refused') return null;
  return outcome.refusal.code === 'HALTED' ? null : 'denials';
}

function codeOf(outcome: Outcome): string {
  return outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind;
}
