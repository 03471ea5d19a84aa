import { EMPTY_BUNDLE } from '../../domain/bundle.ts';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Op, ResultOf } from '../../domain/ops.ts';
import {
  type Beat,
  type FactsQuery,
  type Store,
  type StoredTile,
  SYSTEM_CHAIN,
} from '../../domain/store.ts';
import { ledgerCreated } from '../../ledger/record.ts';
import { keyCheck, wrappingKey } from '../../ledger/seal.ts';
import { owned } from '../owned.ts';
import { CommitQueue } from '../queue.ts';
import { requireKnown } from '../schema.ts';
import { opsFrom } from '../wire.ts';
import type { PostgresAddress } from './address.ts';
import { Chains, KeyRing } from './chains.ts';
import { History } from './history.ts';
import { Line } from './lines.ts';
import { together } from './load.ts';
import { LOCK_CLASS, writersKey } from './locks.ts';
import { migrate, takenSteps } from './migrate.ts';
import { Payloads } from './payloads.ts';
import { Picture } from './picture.ts';
import { beat, leave } from './presence.ts';
import { Reads } from './reads.ts';
import { downBecause, Session, UNHURRIED } from './session.ts';
import { Listener } from './watch.ts';
import { writeAll } from './write.ts';
import { closed, Writer } from './writer.ts';

export interface PostgresStoreOptions {
  readonly address: PostgresAddress;
  /** 32 bytes; the same for every replica of this store. */
  readonly masterKey: Uint8Array;
  readonly doors: Doors;
  /** Runs `flush` when this turn of the event loop has brought what it will. */
  readonly soon?: (flush: () => void) => void;
}

const CONTROL = { name: 'control', text: 'SELECT ledger, key_check FROM control' };
const FOUND = {
  name: 'found',
  text: `INSERT INTO control (id, ledger, key_check, halt, bundle) VALUES (1, $1, $2, 0, $3)`,
};

interface Identity {
  readonly ledger: string;
  readonly key_check: string;
}

/**
 * The store that replicas share. Makes the schema when the database is empty. Throws SignalboxError `STORE_NEWER`,
 * `MASTER_KEY`, `STORE_DOWN`, `STORE_LOCKED` when the schema needs a step that nobody asked for.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const { address, masterKey, doors } = options;
  const check = keyCheck(masterKey);
  try {
    await migrate(address, { at: doors.clock.now(), breaking: false });
    const session = await Session.open(address, { use: 'writer' });
    try {
      const ledger = await foundOrFind(session, options, check);
      return new PostgresStore(session, options, { ledger, key_check: check });
    } catch (error) {
      session.destroy();
      throw error;
    }
  } catch (error) {
    throw downBecause(error);
  }
}

/** First opening: names the ledger. Later ones: holds the master key against the one it was made with. */
async function foundOrFind(
  session: Session,
  { masterKey, doors }: PostgresStoreOptions,
  check: string,
): Promise<string> {
  const { bytes } = doors.entropy;
  await session.say(`SELECT pg_advisory_lock_shared(${writersKey(session.key)})`);
  // nobody is held up by it, so a machine with much else to do may take its time
  await session.say(`BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${UNHURRIED.heldMs};
    SELECT pg_advisory_xact_lock(${LOCK_CLASS * 2 ** 32})`);
  const [found] = await session.rows<Identity>(CONTROL, []);
  if (found !== undefined) {
    await session.say('COMMIT');
    if (found.key_check !== check)
      throw new SignalboxError('MASTER_KEY', 'this master key is not the one of this store');
    return found.ledger;
  }
  const ledger = Buffer.from(bytes(16)).toString('hex');
  const chains = new Chains(new KeyRing(wrappingKey(masterKey), bytes));
  chains.begin(SYSTEM_CHAIN);
  chains.append(ledgerCreated(ledger, doors.clock.now()));
  await session.run(FOUND, [ledger, check, EMPTY_BUNDLE.digest]);
  await together(writeAll(session, chains.take(), new Picture().take()));
  await session.say('COMMIT');
  return ledger;
}

export class PostgresStore implements Store {
  readonly replica: string;
  readonly alone = false;
  readonly #queue: CommitQueue;
  readonly #writer: Writer;
  readonly #hot: Line;
  readonly #slow: Line;
  readonly #beats: Line;
  readonly #listener: Listener;
  readonly #reads: Reads;
  readonly #history: History;
  /** What was landed by the last beat. */
  #told = 0;
  #closing: Promise<void> | null = null;

  constructor(session: Session, options: PostgresStoreOptions, identity: Identity) {
    const { address, masterKey, doors } = options;
    const soon = options.soon ?? process.nextTick;
    const wrapping = wrappingKey(masterKey);
    const payloads = new Payloads(wrapping);
    this.replica = doors.entropy.id('replica');
    this.#queue = new CommitQueue({ post: (texts) => this.#writer.take(opsFrom(texts)), soon });
    this.#writer = new Writer(session, {
      address,
      wrapping,
      bytes: doors.entropy.bytes,
      doors,
      queue: this.#queue,
      recognise: (other) => recognise(other, identity),
    });
    this.#hot = new Line(address, { use: 'reads' });
    this.#slow = new Line(address, { use: 'history', replans: true });
    this.#beats = new Line(address, { use: 'beats', durable: false });
    this.#listener = new Listener(address, doors.timers);
    this.#reads = new Reads((read) => this.#on(this.#hot, read), payloads, soon);
    this.#history = new History((read) => this.#on(this.#slow, read), payloads, doors.clock);
  }

  commit<O extends Op>(op: O): Promise<ResultOf<O>> {
    return this.#queue.commit(owned(op, this.replica));
  }

  factsFor(query: FactsQuery) {
    return this.#reads.factsFor(query);
  }
  usage(keys: readonly string[]) {
    return this.#reads.usage(keys);
  }
  haltState() {
    return this.#reads.haltState();
  }
  beat(landed: number): Promise<Beat> {
    return this.#on(this.#beats, async (session) => {
      const tells = landed !== this.#told;
      const said = await beat(session, { id: this.replica, landed, tells });
      this.#told = landed;
      return said;
    });
  }
  watch(heard: (key: string) => void): () => void {
    return this.#listener.add(heard);
  }
  /** Resolves once `watch` hears; once the store can be reached again after it could not. */
  listening(): Promise<void> {
    return this.#listener.listening();
  }
  back(): Promise<void> {
    return this.#writer.back();
  }
  repeats(call: Parameters<Store['repeats']>[0]) {
    return this.#reads.repeats(call);
  }
  cost(root: string) {
    return this.#history.cost(root);
  }
  costsOf(agent: string) {
    return this.#history.costsOf(agent);
  }
  trail(root: string, most: number) {
    return this.#history.trail(root, most);
  }
  bundle(digest: string) {
    return this.#reads.bundle(digest);
  }
  token(hash: string) {
    return this.#reads.token(hash);
  }
  operator(name: string) {
    return this.#reads.operator(name);
  }
  operatorCount() {
    return this.#reads.operatorCount();
  }
  secret(name: string) {
    return this.#reads.secret(name);
  }
  isTaken(claim: string) {
    return this.#reads.isTaken(claim);
  }
  secretNames() {
    return this.#reads.secretNames();
  }
  openActions() {
    return this.#reads.openActions();
  }
  leases(filter: Parameters<Store['leases']>[0]) {
    return this.#reads.leases(filter);
  }
  liveRuns() {
    return this.#reads.liveRuns();
  }
  runsUnder(root: string) {
    return this.#reads.runsUnder(root);
  }
  run(id: string) {
    return this.#reads.run(id);
  }
  runs(filter: Parameters<Store['runs']>[0]) {
    return this.#history.runs(filter);
  }
  asks(filter: Parameters<Store['asks']>[0]) {
    return this.#history.asks(filter);
  }
  ask(id: string) {
    return this.#history.ask(id);
  }
  runOf(id: string) {
    return this.#history.runIdOf(id);
  }
  drills(limit: number) {
    return this.#history.drills(limit);
  }
  timeline(chain: string, after?: number, limit?: number) {
    return this.#history.timeline(chain, after, limit);
  }
  chains() {
    return this.#history.chains();
  }
  seal() {
    return this.#history.seal();
  }
  tiles(places: readonly Pick<StoredTile, 'level' | 'place'>[]) {
    return this.#history.tiles(places);
  }
  leafOf(chain: string, seq: number) {
    return this.#history.leafOf(chain, seq);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#queue.drain();
    // A store that was away has nobody to say goodbye to.
    if (this.#queue.down === null)
      await this.#beats
        .use(
          (session) => leave(session, this.replica),
          () => {},
        )
        .catch(() => {});
    this.#queue.fail(closed());
    await Promise.all(
      [this.#writer, this.#hot, this.#slow, this.#beats, this.#listener].map((part) =>
        part.close(),
      ),
    );
  }

  /** While the writer cannot reach the store, nobody reads it either. */
  async #on<T>(line: Line, read: (session: Session) => Promise<T>): Promise<T> {
    if (this.#queue.down !== null) throw this.#queue.down;
    return line.use(read, () => this.#writer.doubt());
  }
}

async function recognise(session: Session, { ledger, key_check }: Identity): Promise<void> {
  requireKnown(await takenSteps(session), 'postgres');
  await session.say(`SELECT pg_advisory_lock_shared(${writersKey(session.key)})`);
  const [found] = await session.rows<Identity>(CONTROL, []);
  if (found?.ledger !== ledger || found.key_check !== key_check)
    throw new SignalboxError('STORE_DOWN', 'the database at this address is not this store');
}
