import { SignalboxError } from '../../src/domain/errors.ts';
import type { Op, ResultOf } from '../../src/domain/ops.ts';
import type { Beat, FactsQuery, Store, StoredTile } from '../../src/domain/store.ts';
import { owned } from '../../src/store/owned.ts';
import type { Disk } from './disk.ts';
import type { Plant } from './plants.ts';
import { type Lookout, lookout, travelling } from './sqlite.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

/** After this long without an answer a replica gives up on what it asked: the store may have carried it out or not. */
const PATIENCE_MS = 5_000;

export interface SharedStoreParts {
  readonly world: World;
  readonly disk: Disk;
  readonly witness: Witness;
  readonly plant: Plant | null;
  readonly incarnation: number;
}

/**
 * One replica's way to the store that it shares. Each op, read and beat is a message there and one back: slow, lost on
 * either way, never arriving while the replica is cut off. What has been sent arrives whoever dies.
 */
export class SharedStore implements Store {
  readonly replica: string;
  readonly alone = false;
  readonly isDown = false;
  readonly #parts: SharedStoreParts;
  readonly #lookout: Lookout;
  #waiting = 0;
  #asked = 0;

  constructor(parts: SharedStoreParts) {
    this.#parts = parts;
    const { world, disk, incarnation } = parts;
    this.replica = world.replicaOf(incarnation);
    this.#lookout = lookout(disk.shared, world.doors(incarnation).clock);
  }

  get isQuiet(): boolean {
    return this.#waiting === 0;
  }

  crash(): void {
    this.#parts.world.count('lostAnswers', this.#waiting);
    this.#parts.disk.unwatch(this.replica);
  }

  async commit<O extends Op>(given: O): Promise<ResultOf<O>> {
    const { disk, plant, witness, incarnation } = this.#parts;
    const op = owned(given, this.replica);
    const sent = travelling(op);
    const lost = (): void => {
      if (op.kind === 'action.mark' || op.kind === 'action.settle') witness.obscure(op.actionId);
    };
    const asked = this.#ask('commit', () => disk.commitShared(incarnation, sent), lost);
    if (plant?.answersEarly?.(op)) {
      asked.catch(() => undefined);
      return { ok: true } as ResultOf<O>;
    }
    const answer = await asked;
    if ('fault' in answer) throw answer.fault;
    return answer.result as ResultOf<O>;
  }

  /** There and back. `lost`: told when nobody will hear what came of it. */
  #ask<T>(what: string, work: () => T, lost: () => void = () => {}): Promise<T> {
    const { world, incarnation } = this.#parts;
    const { schedule, random, faults } = world;
    const counts = what === 'commit' ? 1 : 0;
    this.#waiting += counts;
    return new Promise<T>((resolve, reject) => {
      let isOver = false;
      const end = (finish: () => void): void => {
        if (isOver) return;
        isOver = true;
        this.#waiting -= counts;
        patience.cancel();
        finish();
      };
      const patience = schedule.after(PATIENCE_MS, incarnation, 'timer', () =>
        end(() => {
          world.count('storeTimeouts');
          lost();
          reject(new SignalboxError('STORE_DOWN', 'the store did not answer: simulated'));
        }),
      );
      const isLost = (): boolean => world.isCut(incarnation) || random.chance(faults.way.lost);
      if (isLost()) return void world.count('lostRequests');
      schedule.after(random.latency(faults.way.ms), 'world', what, () => {
        let answer: T;
        try {
          answer = work();
        } catch (error) {
          return void schedule.after(0, incarnation, what, () => end(() => reject(error)));
        }
        if (isLost()) return void world.count('lostAnswers');
        schedule.after(random.latency(faults.way.ms), incarnation, what, () => {
          if (isOver) world.count('lateAnswers');
          end(() => resolve(answer));
        });
      });
    });
  }

  /** Reads go the same way; where it is quick they are answered at once. */
  #read<T>(look: (from: Lookout) => T): Promise<T> {
    const { world, incarnation } = this.#parts;
    const { lost, ms } = world.faults.way;
    if (ms > 1 || lost > 0 || world.isCut(incarnation))
      return this.#ask('read', () => look(this.#lookout));
    return new Promise((resolve) => resolve(look(this.#lookout)));
  }

  beat(landed: number): Promise<Beat> {
    const { disk, plant } = this.#parts;
    const told = plant?.lands?.(landed) ?? landed;
    return this.#ask('beat', () => disk.beat(this.replica, told));
  }
  watch(heard: (key: string) => void): () => void {
    const { disk, incarnation } = this.#parts;
    disk.watch(this.replica, incarnation, heard);
    return () => disk.unwatch(this.replica);
  }

  factsFor(query: FactsQuery) {
    // always another number: the others may have added something
    return this.#read(({ reads }) => ({ ...reads().factsFor(query), treeActions: ++this.#asked }));
  }
  usage(keys: readonly string[]) {
    return this.#read(({ reads }) => reads().usage(keys));
  }
  repeats(call: Parameters<Store['repeats']>[0]) {
    return this.#read(({ reads }) => reads().repeats(call));
  }
  cost(root: string) {
    return this.#read(({ history }) => history().cost(root));
  }
  costsOf(agent: string) {
    return this.#read(({ history }) => history().costsOf(agent));
  }
  trail(root: string, most: number) {
    return this.#read(({ history }) => history().trail(root, most));
  }
  haltState() {
    return this.#read(({ reads }) => {
      const state = reads().haltState();
      return this.#parts.plant?.hidesHalts ? { ...state, halts: [] } : state;
    });
  }
  bundle(digest: string) {
    return this.#read(({ reads }) => reads().bundle(digest));
  }
  token(hash: string) {
    return this.#read(({ reads }) => reads().token(hash));
  }
  operator(name: string) {
    return this.#read(({ reads }) => reads().operator(name));
  }
  operatorCount() {
    return this.#read(({ reads }) => reads().operatorCount());
  }
  secret(name: string) {
    return this.#read(({ reads }) => reads().secret(name));
  }
  isTaken(claim: string) {
    return this.#read(({ reads }) => reads().isTaken(claim));
  }
  secretNames() {
    return this.#read(({ reads }) => reads().secretNames());
  }
  openActions() {
    return this.#read(({ reads }) => reads().openActions());
  }
  leases(filter: Parameters<Store['leases']>[0]) {
    return this.#read(({ reads }) => reads().leases(filter));
  }
  liveRuns() {
    return this.#read(({ reads }) => reads().liveRuns());
  }
  runsUnder(root: string) {
    return this.#read(({ reads }) => reads().runsUnder(root));
  }
  run(id: string) {
    return this.#read(({ reads }) => reads().run(id));
  }
  runs(filter: Parameters<Store['runs']>[0]) {
    return this.#read(({ history }) => history().runs(filter));
  }
  asks(filter: Parameters<Store['asks']>[0]) {
    return this.#read(({ history }) => history().asks(filter));
  }
  ask(id: string) {
    return this.#read(({ history }) => history().ask(id));
  }
  runOf(id: string) {
    return this.#read(({ history }) => history().runIdOf(id));
  }
  drills(limit: number) {
    return this.#read(({ history }) => history().drills(limit));
  }
  timeline(chain: string, after?: number, limit?: number) {
    return this.#read(({ history }) => history().timeline(chain, after, limit));
  }
  chains() {
    return this.#read(({ history }) => history().chains());
  }
  seal() {
    return this.#read(({ history }) => history().seal());
  }
  tiles(places: readonly Pick<StoredTile, 'level' | 'place'>[]) {
    return this.#read(({ history }) => history().tiles(places));
  }
  leafOf(chain: string, seq: number) {
    return this.#read(({ history }) => history().leafOf(chain, seq));
  }
  async close(): Promise<void> {}
}
