import { SignalboxError } from '../domain/errors.ts';
import { type LedgerEvent, type Seal, type Store, SYSTEM_CHAIN } from '../domain/store.ts';
import { readCheckpoint } from './checkpoint.ts';
import type { ConsistencyProof, InclusionProof, ProvenRecord } from './proof.ts';
import { nodesIn, placesOf } from './tiles.ts';
import { consistencyRanges, inclusionRanges, type Range, rangeHash } from './tree.ts';

const PAGE = 10_000;
/** Records of one id; the first of them and the last when there are more. */
const MOST = 64;

/**
 * Proves what the ledger says of an action, approval, run (its first and last sealed record) or drill, of
 * `halt:NUMBER`, or of one record `CHAIN:SEQ`; under the newest checkpoint, or one of `size` records. Throws SignalboxError
 * `NOT_FOUND`, `NOT_SEALED`.
 */
export async function prove(store: Store, id: string, size?: number): Promise<InclusionProof> {
  const seal = await sealed(store);
  const records = await recordsOf(store, id);
  if (records.length === 0)
    throw new SignalboxError(
      'NOT_FOUND',
      'expected the id of an action, approval, run or drill, `halt:NUMBER`, or `CHAIN:SEQ`',
      { help: '`signalbox run show ID` lists the records of a run' },
    );
  const of = size ?? seal.signed;
  if (of > seal.size) throw notSealed(`${of} records`, seal);
  const proven: ProvenRecord[] = [];
  for (const record of id === records[0]?.chain ? await endsOf(store, records, of) : records) {
    const leaf = await store.leafOf(record.chain, record.seq);
    if (leaf === null || leaf >= of)
      throw notSealed(`record ${record.seq} of \`${record.chain}\``, seal);
    const { chain, seq, at, type, body, previous, hash } = record;
    const path = await hashesOf(store, inclusionRanges(leaf, of));
    proven.push({ chain, seq, at, type, body, previous, hash, leaf, path });
  }
  return { kind: 'inclusion', id, size: of, records: proven, checkpoint: seal.noteOf(of) };
}

/** From `first` records to `second`, or to as many as the newest checkpoint is of. Throws SignalboxError `NOT_SEALED`. */
export async function proveConsistency(
  store: Pick<Store, 'seal' | 'tiles'>,
  first: number,
  second?: number,
): Promise<ConsistencyProof> {
  const seal = await sealed(store);
  const to = second ?? seal.signed;
  if (to > seal.size || first > to) throw notSealed(`${Math.max(first, to)} records`, seal);
  const path = await hashesOf(store, consistencyRanges(first, to));
  return { kind: 'consistency', first, second: to, path, checkpoint: seal.noteOf(to) };
}

interface Sealed extends Seal {
  /** Records under the newest checkpoint. */
  readonly signed: number;
  /** The newest checkpoint, if it is of so many records. */
  noteOf(size: number): string | null;
}

async function sealed(store: Pick<Store, 'seal'>): Promise<Sealed> {
  const seal = await store.seal();
  const note = seal?.checkpoint?.note ?? null;
  if (seal === null || note === null)
    throw new SignalboxError('NOT_SEALED', 'no checkpoint was signed yet');
  const signed = readCheckpoint(note).size;
  return { ...seal, signed, noteOf: (size) => (size === signed ? note : null) };
}

function notSealed(what: string, { signed }: Sealed): SignalboxError {
  return new SignalboxError(
    'NOT_SEALED',
    `expected ${what} under a checkpoint, the newest is of ${signed} records`,
  );
}

async function hashesOf(store: Pick<Store, 'tiles'>, ranges: readonly Range[]): Promise<string[]> {
  const at = nodesIn(await store.tiles(placesOf(ranges)));
  return ranges.map((range) => rangeHash(range, at).toString('base64'));
}

async function recordsOf(store: Store, id: string): Promise<LedgerEvent[]> {
  const [, chain = '', number = ''] = /^([A-Za-z0-9_-]{1,128}):([1-9]\d{0,15})$/.exec(id) ?? [];
  if (chain === 'halt') {
    const isRaised = (type: string): boolean => type === 'halt.raised' || type === 'halt.lifted';
    return matching(
      store,
      SYSTEM_CHAIN,
      ({ type, body }) => isRaised(type) && JSON.parse(body).epoch === Number(number),
    );
  }
  if (chain !== '') return [...(await store.timeline(chain, Number(number) - 1, 1))];
  const run = await store.runOf(id);
  if (run === id) return [...(await store.timeline(run, 0, 1))];
  return matching(store, run ?? SYSTEM_CHAIN, ({ body }) => names(body, id));
}

/** A field of the record says this id and nothing else. */
function names(body: string, id: string): boolean {
  return body.includes(id) && Object.values(JSON.parse(body) as object).includes(id);
}

async function matching(
  store: Store,
  chain: string,
  fits: (event: LedgerEvent) => boolean,
): Promise<LedgerEvent[]> {
  const found: LedgerEvent[] = [];
  for (let after = 0; ; after += PAGE) {
    const page = await store.timeline(chain, after, PAGE);
    found.push(...page.filter(fits));
    if (found.length > MOST) found.splice(MOST - 1, found.length - MOST);
    if (page.length < PAGE) return found;
  }
}

/** The first record of a run's chain and the last that is under the checkpoint: that one holds all before it. */
async function endsOf(
  store: Store,
  [first]: readonly LedgerEvent[],
  size: number,
): Promise<LedgerEvent[]> {
  if (first === undefined) return [];
  let [low, high] = [1, 1];
  const isIn = async (seq: number): Promise<boolean> => {
    const leaf = await store.leafOf(first.chain, seq);
    return leaf !== null && leaf < size;
  };
  while (await isIn(high * 2)) high *= 2;
  for ([low, high] = [high, high * 2]; high - low > 1; ) {
    const middle = Math.floor((low + high) / 2);
    if (await isIn(middle)) low = middle;
    else high = middle;
  }
  return low === 1 ? [first] : [first, ...(await store.timeline(first.chain, low - 1, 1))];
}
