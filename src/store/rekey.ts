import type { RekeyOrder, Rewrapped } from '../domain/rekey.ts';
import type { EventDraft } from '../ledger/events.ts';
import { noted, secretSet } from '../ledger/record.ts';
import {
  type Bytes,
  keyCheck,
  type Rewrapping,
  rewrapChainKey,
  unwrapSigner,
  wrappingKey,
  wrapSigner,
} from '../ledger/seal.ts';

/** Rows on their way from one key to the other; null for one that does not open, which is left and named. */
export class Rewrapper {
  readonly wrapping: Rewrapping;
  readonly keyCheck: string;
  readonly #order: RekeyOrder;
  readonly #unreadable: string[] = [];
  #chains = 0;
  #secrets = 0;

  constructor(order: RekeyOrder, bytes: Bytes) {
    this.#order = order;
    this.wrapping = { from: wrappingKey(order.from), to: wrappingKey(order.to), bytes };
    this.keyCheck = keyCheck(order.to);
  }

  chain(chain: string, wrapped: Uint8Array): Uint8Array | null {
    const done = this.#tried(`the key of chain \`${chain}\``, () =>
      rewrapChainKey(this.wrapping, chain, wrapped),
    );
    if (done !== null) this.#chains++;
    return done;
  }

  secret(name: string, sealed: string): string | null {
    const done = this.#tried(`secret \`${name}\``, () => this.#order.rewrap(name, sealed));
    if (done !== null) this.#secrets++;
    return done;
  }

  signer(verifier: string, signer: Uint8Array): Uint8Array | null {
    const name = verifier.slice(0, verifier.indexOf('+'));
    const { from, to, bytes } = this.wrapping;
    return this.#tried('the key of the ledger', () =>
      wrapSigner(to, name, unwrapSigner(from, name, signer), bytes),
    );
  }

  get done(): Rewrapped {
    return { chains: this.#chains, secrets: this.#secrets, unreadable: this.#unreadable };
  }

  /** For the system chain, under the new key. `added`: the version of the secret that was added, if it was. */
  records(at: number, added: number | null): readonly EventDraft[] {
    const { name, sealed } = this.#order.add;
    const set = { kind: 'secret.set', name, sealed, by: 'system', at } as const;
    const { chains, secrets, unreadable } = this.done;
    const body = {
      ...{ keyCheck: this.keyCheck, previous: keyCheck(this.#order.from) },
      ...{ chains, secrets, unreadable: unreadable.length },
    };
    return [
      ...(added === null ? [] : [secretSet(set, added)]),
      noted({ kind: 'system.note', type: 'key.rotated', body, at }),
    ];
  }

  #tried<T>(what: string, rewrap: () => T): T | null {
    try {
      return rewrap();
    } catch {
      this.#unreadable.push(what);
      return null;
    }
  }
}
