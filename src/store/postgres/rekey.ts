import { SignalboxError } from '../../domain/errors.ts';
import type { RekeyOrder, Rewrapped } from '../../domain/rekey.ts';
import { SYSTEM_CHAIN } from '../../domain/store.ts';
import type { Bytes } from '../../ledger/seal.ts';
import { Rewrapper } from '../rekey.ts';
import type { PostgresAddress } from './address.ts';
import { inUse, requireNobody } from './carry.ts';
import { Chains, KeyRing, type StoredKey } from './chains.ts';
import { together } from './load.ts';
import { LOCK_CLASS, writersKey } from './locks.ts';
import { migrate } from './migrate.ts';
import { Picture } from './picture.ts';
import { downBecause, Session, UNHURRIED } from './session.ts';
import { writeAll } from './write.ts';

const PATIENCE = { ...UNHURRIED, queryMs: 30 * 60_000, lockMs: 10_000 };
const PAGE = 1_000;

const CHECK = { name: 'key-check', text: 'SELECT key_check AS "check" FROM control' };
const EXISTS = {
  name: 'control-is-there',
  text: `SELECT to_regclass('control') IS NOT NULL AS there`,
};
const TRY = { name: 'nobody-writes', text: 'SELECT pg_try_advisory_xact_lock($1) AS ours' };
const KEYS = {
  name: 'rekey-keys',
  text: `SELECT chain, encode(wrapped, 'hex') AS wrapped FROM chain_keys
    WHERE chain > $1 ORDER BY chain LIMIT ${PAGE}`,
};
const SET_KEYS = {
  name: 'rekey-set-keys',
  text: `UPDATE chain_keys SET wrapped = now.wrapped
    FROM unnest($1::text[], $2::bytea[]) AS now (chain, wrapped)
    WHERE chain_keys.chain = now.chain`,
};
const SECRETS = { name: 'rekey-secrets', text: 'SELECT name, sealed FROM secrets' };
const SET_SECRET = { name: 'rekey-secret', text: 'UPDATE secrets SET sealed = $2 WHERE name = $1' };
const TREE = { name: 'rekey-tree', text: 'SELECT verifier, signer FROM tree' };
const SET_TREE = { name: 'rekey-signer', text: 'UPDATE tree SET signer = $1' };
const ADD = {
  name: 'rekey-add',
  text: `INSERT INTO secrets (name, sealed, version, at) VALUES ($1, $2, 1, $3)
    ON CONFLICT DO NOTHING`,
};
const SET_CHECK = { name: 'rekey-check', text: 'UPDATE control SET key_check = $1' };
const HEAD = {
  name: 'rekey-head',
  text: `SELECT chain, seq, hash FROM chain_heads WHERE chain = '${SYSTEM_CHAIN}'`,
};
const SYSTEM_KEY = {
  name: 'rekey-system-key',
  text: `SELECT chain, encode(wrapped, 'hex') AS wrapped FROM chain_keys
    WHERE chain = '${SYSTEM_CHAIN}'`,
};

/** A database that no replica uses. Held only while `rekey` is at it: then none can write to it or begin to. */
export class PostgresAtRest {
  readonly keyCheck: string | null;
  readonly #session: Session;
  readonly #bytes: Bytes;
  readonly #at: number;

  private constructor(session: Session, bytes: Bytes, at: number, check: string | null) {
    this.#session = session;
    this.#bytes = bytes;
    this.#at = at;
    this.keyCheck = check;
  }

  /** `at`: ms since the epoch. Throws SignalboxError `STORE_DOWN`, `STORE_LOCKED`, `STORE_NEWER`. */
  static async open(address: PostgresAddress, bytes: Bytes, at: number): Promise<PostgresAtRest> {
    if ((await postgresKeyCheck(address)) === null)
      throw new SignalboxError('STORE_DOWN', 'the database has no store');
    await migrate(address, { at, breaking: false });
    const session = await Session.open(address, { use: 'rekey', patience: PATIENCE });
    try {
      await requireNobody(session);
      return new PostgresAtRest(session, bytes, at, await checkOf(session));
    } catch (error) {
      session.destroy();
      throw downBecause(error);
    }
  }

  async rekey(order: RekeyOrder): Promise<Rewrapped> {
    const session = this.#session;
    const under = new Rewrapper(order, this.#bytes);
    try {
      // who starts waits here, and finds the key check of the new key
      await session.say(`BEGIN; SELECT pg_advisory_xact_lock(${LOCK_CLASS * 2 ** 32})`);
      const [writers] = await session.rows<{ ours: boolean }>(TRY, [writersKey(session.key)]);
      if (writers?.ours !== true) throw inUse('a replica is connected to the database');
      await requireNobody(session);
      if ((await checkOf(session)) !== this.keyCheck)
        throw new SignalboxError('MASTER_KEY', 'the store was put under another key meanwhile');
      await this.#chains(under);
      await this.#secrets(under);
      await this.#signer(under);
      const { name, sealed } = order.add;
      const added = (await session.run(ADD, [name, sealed, this.#at])) === 1 ? 1 : null;
      await session.run(SET_CHECK, [under.keyCheck]);
      await this.#record(under, added);
      await session.say('COMMIT');
      return under.done;
    } catch (error) {
      session.destroy();
      throw downBecause(error);
    }
  }

  async close(): Promise<void> {
    await this.#session.end();
  }

  async #chains(under: Rewrapper): Promise<void> {
    for (let after = ''; ; ) {
      const page = await this.#session.rows<StoredKey>(KEYS, [after]);
      const changed = page.flatMap(({ chain, wrapped }) => {
        const now = under.chain(chain, Buffer.from(wrapped, 'hex'));
        return now === null ? [] : [{ chain, now: Buffer.from(now) }];
      });
      await this.#session.run(SET_KEYS, [
        changed.map(({ chain }) => chain),
        changed.map(({ now }) => now),
      ]);
      if (page.length < PAGE) return;
      after = page.at(-1)?.chain ?? '';
    }
  }

  async #secrets(under: Rewrapper): Promise<void> {
    const all = await this.#session.rows<{ name: string; sealed: string }>(SECRETS, []);
    for (const { name, sealed } of all) {
      const now = under.secret(name, sealed);
      if (now !== null) await this.#session.run(SET_SECRET, [name, now]);
    }
  }

  async #signer(under: Rewrapper): Promise<void> {
    const [tree] = await this.#session.rows<{ verifier: string; signer: Uint8Array }>(TREE, []);
    const now = tree === undefined ? null : under.signer(tree.verifier, tree.signer);
    if (now !== null) await this.#session.run(SET_TREE, [Buffer.from(now)]);
  }

  async #record(under: Rewrapper, added: number | null): Promise<void> {
    const session = this.#session;
    const chains = new Chains(new KeyRing(under.wrapping.to, this.#bytes));
    chains.locked(await session.rows<{ chain: string; seq: number; hash: string }>(HEAD, []));
    chains.unlock(await session.rows<StoredKey>(SYSTEM_KEY, []));
    for (const record of under.records(this.#at, added)) chains.append(record);
    await together(writeAll(session, chains.take(), new Picture().take()));
  }
}

/** Whether replicas use it or not; null when there is no store. */
export async function postgresKeyCheck(address: PostgresAddress): Promise<string | null> {
  const session = await Session.open(address, { use: 'rekey' });
  try {
    const [found] = await session.rows<{ there: boolean }>(EXISTS, []);
    return found?.there === true ? await checkOf(session) : null;
  } catch (error) {
    throw downBecause(error);
  } finally {
    await session.end();
  }
}

async function checkOf(session: Session): Promise<string | null> {
  const [control] = await session.rows<{ check: string }>(CHECK, []);
  return control?.check ?? null;
}
