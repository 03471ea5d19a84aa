import type { House } from './house.ts';
import type { Life } from './life.ts';
import type { KnownAction, Model } from './model.ts';

/** Marks intents that no broker would record. */
export const CLUMSY = 'clumsy';

/**
 * Hands the store an intent whose id is taken: it must be taken back whole, reservations, used approval and all, in the
 * midst of a batch, and leave its neighbours alone.
 */
export function recordTwice({ world, model }: Life, house: House): void {
  const { bundle, epoch } = model;
  const { random } = world;
  const approved = approvedOnes(model);
  const known = approved.length > 0 && random.chance(0.7) ? approved : reservedOnes(model);
  if (known.length === 0 || bundle === null) return;
  const { action, approvalId } = random.pick(known);
  const { record, reservations } = action;
  world.count('clumsy');
  house.store
    .commit({
      kind: 'action.admit',
      action: { ...record, via: CLUMSY },
      stamp: { halt: epoch, bundle: bundle.digest },
      scopes: [],
      reservations: reservations.map((one) => ({ ...one, limit: Number.MAX_SAFE_INTEGER })),
      approvalId,
      leaseId: null,
      outcome: null,
      at: world.now,
    })
    .then(
      ({ ok }) => world.require(!ok, 'one_effect_per_action', `${record.id} was recorded twice`),
      () => undefined,
    );
}

interface Twin {
  readonly action: KnownAction;
  readonly approvalId: string | null;
}

/** The id of a parked proposal with the approval that it got: the approval is used up before the id is found taken. */
function approvedOnes(model: Model): Twin[] {
  return model
    .openApprovals()
    .filter(({ state }) => state === 'approved')
    .flatMap(({ id, actionId }) => {
      const action = model.actions.get(actionId);
      return action === undefined ? [] : [{ action, approvalId: id }];
    });
}

function reservedOnes(model: Model): Twin[] {
  return [...model.actions.values()]
    .filter(({ tool, reservations }) => tool?.effect !== 'read' && reservations.length > 0)
    .map((action) => ({ action, approvalId: null }));
}
