import { bundlesOf } from './bundles.ts';
import { recordTwice } from './clumsy.ts';
import type { Life } from './life.ts';
import type { ActKind } from './swarm.ts';

const MINUTE = 60_000;
/** Leases live ten minutes and sweeps come every one: after three times that, what is left is left for ever. */
const SETTLED_WITHIN_MS = 30 * MINUTE;

/** Safety: the actors act, everything fails as the seed says, and every step is checked. */
export async function safety(life: Life): Promise<void> {
  const { world } = life;
  const { swarm, random, schedule } = world;
  let steps = 0;
  const next = (): void => {
    if (steps >= swarm.steps) return;
    steps++;
    actOnce(life, random.weighted(swarm.acts));
    schedule.after(random.int(1, swarm.pace), 'world', 'actors', next);
  };
  schedule.after(1, 'world', 'actors', next);
  await life.until(() => steps >= swarm.steps, 24 * 60 * MINUTE);
  if (random.chance(0.2) && world.violation === null) await life.disk.verify();
}

function actOnce(life: Life, kind: ActKind): void {
  const { world, house, agents, operators, witness } = life;
  const { random } = world;
  world.count('steps');
  if (kind === 'move') witness.move(`db/t${random.int(1, 4)}`);
  if (kind === 'jump') {
    const whose = random.chance(0.5) ? null : (life.house?.incarnation ?? null);
    world.jump(random.pick([-5_000, 1_000, 60_000, 400_000, 3_600_000]), whose);
  }
  if (kind === 'haltHere') operators.haltHere(life.machine);
  if (kind === 'move' || kind === 'jump' || kind === 'haltHere' || house === null) return;
  const acts: Record<Exclude<ActKind, 'move' | 'jump' | 'haltHere'>, () => unknown> = {
    propose: () => agents.propose(house),
    answer: () => operators.answerSome(house),
    halt: () => operators.halt(house),
    resume: () => operators.resumeSome(house),
    apply: () => operators.applyAnother(house),
    endRun: () => operators.endSome(house),
    beginRun: () => operators.begin(house),
    erase: () => operators.eraseSome(house),
    clumsy: () => recordTwice(life, house),
  };
  void acts[kind]();
}

/** Liveness: the faults stop, and everything must come to rest in bounded time, by itself. */
export async function liveness(life: Life): Promise<void> {
  const { world, operators, agents } = life;
  world.calm();
  const isCalm = (): boolean =>
    life.isWhole &&
    life.houses.every(({ store }) => !store.isDown) &&
    agents.waiting === 0 &&
    operators.busy === 0;
  if (!(await life.until(isCalm, SETTLED_WITHIN_MS)))
    return world.require(world.violation !== null, 'liveness', `${unanswered(life)}`);
  const { house } = life;
  if (house === null) return;
  for (const { id, state } of [...life.model.runs.values()])
    if (state === 'live') void operators.end(house, id);
  await life.until(() => operators.busy === 0 && leftOver(life).length === 0, SETTLED_WITHIN_MS);
  const left = leftOver(life);
  if (world.violation === null) world.require(left.length === 0, 'liveness', left.join('; '));
}

function unanswered({ agents, operators, house }: Life): string {
  if (house === null) return 'it does not come up again';
  return `${agents.waiting} calls and ${operators.busy} requests of operators are never answered`;
}

/** What must not be there when everything has come to rest. */
function leftOver(life: Life): string[] {
  const { model, witness, issuer } = life;
  const open = model.openActions();
  const pending = [...model.usage].filter(([, line]) => line.pending !== 0);
  const leases = [...model.leases.values()].filter(
    ({ state }) => state !== 'dead' && state !== 'residual',
  );
  const halts = [...model.halts].filter(([, { state }]) => state === 'gated');
  return [
    ...open.map(({ record, state }) => `${record.tool} ${record.id} is still ${state}`),
    ...pending.map(([name, line]) => `${line.pending} of ${name.replace('\n', ' ')} stay reserved`),
    ...leases.map(({ id, state }) => `lease ${id} is still ${state}`),
    ...(issuer.living().length === 0
      ? []
      : [`${issuer.living().length} credentials still work at their issuer`]),
    ...halts.map(([epoch, { scope }]) => `halt ${epoch} of ${scope} is not inert`),
    ...witness.underway().map(({ actionId }) => `${actionId} is still under way at its target`),
    ...(life.machines.every(({ isEmpty }) => isEmpty) ? [] : ['a local halt is not recorded']),
    ...(life.houses.every(({ store }) => store.isQuiet)
      ? []
      : ['the queue of the store is not empty']),
    ...(life.houses.every(({ broker }) => broker.flights.count('all') === 0)
      ? []
      : ['something is still in the air']),
  ];
}

/** Controls: what stands no longer must not stop what is allowed, or all of the above could be had by refusing. */
export async function controls(life: Life): Promise<void> {
  const { world, operators, agents, model, house, witness } = life;
  if (house === null || world.violation !== null) return;
  const finish = <T>(work: Promise<T>): Promise<T | null> => done(life, work);
  for (const scope of operators.standing()) await finish(operators.resume(house, scope));
  // the other replica may still be bringing down what was lifted since
  if (world.swarm.replicas === 2) await life.until(() => world.violation !== null, MINUTE);
  const [first] = bundlesOf(world.swarm.looseLimits);
  const active = model.bundle?.digest ?? 'none';
  if (first !== undefined && first.digest !== active)
    await finish(operators.apply(house, first, active));
  world.skew += 24 * 60 * MINUTE; // a new day: its limits are free again
  const run = await finish(operators.begin(house, 'ann'));
  const runId = run?.id ?? '';
  const read = await finish(
    agents.call(house, { runId, tool: 'look', arguments: { target: 'c' } }),
  );
  world.require(read?.kind === 'done', 'liveness', `a read of a new run is ${read?.kind}`);
  const write = { runId, tool: 'wipe', arguments: { target: 'c', rows: 1 } };
  const parked = await finish(agents.call(house, write));
  world.require(parked?.kind === 'parked', 'liveness', `a new destruction is ${parked?.kind}`);
  while (model.openApprovals().some(({ state }) => state === 'pending'))
    await finish(operators.answerSome(house));
  const before = witness.effects;
  const wiped = await finish(agents.call(house, write));
  const isRefused = wiped?.kind === 'refused' && wiped.refusal.code === 'REFUSED_BY_HUMAN';
  const isDone = wiped?.kind === 'done' && witness.effects === before + 1;
  world.require(isDone || isRefused, 'liveness', `what was approved is ${wiped?.kind}`);
}

async function done<T>(life: Life, work: Promise<T>): Promise<T | null> {
  let answer: { readonly value: T } | null = null;
  void work.then((value) => {
    answer = { value };
  });
  await life.until(() => answer !== null, 10 * MINUTE);
  return (answer as { readonly value: T } | null)?.value ?? null;
}
