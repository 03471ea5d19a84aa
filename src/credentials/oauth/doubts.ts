import type { Clock } from '../../domain/doors.ts';
import type { Token } from './tokens.ts';

const MARGIN_MS = 60_000;
const MAX_DOUBTED = 64;
const MAX_MINTED = 1_024;
/** So many refused tokens in a row, none of them in use for a while, and only a human goes on. */
const MAX_REFUSALS = 3;
const SETTLED_MS = 60_000;

/** Which tokens are still worth sending, by what the server said to them. In memory: after a start they are tried again. */
export class Doubts {
  readonly #clock: Clock;
  readonly #doubted = new Set<string>();
  readonly #minted = new Map<string, Token>();
  #newest: Token | null = null;
  #refusals = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get newest(): Token | null {
    return this.#newest;
  }

  get exhausted(): boolean {
    return this.#refusals >= MAX_REFUSALS;
  }

  /** Neither refused nor about to expire. */
  usable(token: Token | null): token is Token {
    if (token === null || this.#doubted.has(token.value)) return false;
    if (token.expiresAt === null) return true;
    const margin = Math.min(MARGIN_MS, (token.expiresAt - token.at) / 4);
    return this.#clock.now() < token.expiresAt - margin;
  }

  /** A human gave a new grant: what was refused before says nothing about it. */
  calm(): void {
    this.#refusals = 0;
  }

  /** Tokens of the grant before may lack what the new one has: they live on and are not handed out again. */
  renewed(newest: Token): void {
    this.doubt(undefined);
    this.#newest = newest;
  }

  given(newest: Token): void {
    this.#newest = newest;
  }

  lent(leaseId: string, token: Token): void {
    this.#minted.set(leaseId, token);
    const oldest = this.#minted.size > MAX_MINTED ? this.#minted.keys().next().value : undefined;
    if (oldest !== undefined) this.#minted.delete(oldest);
  }

  ended(leaseId: string): void {
    this.#minted.delete(leaseId);
  }

  of(leaseId: string | undefined): Token | undefined {
    return leaseId === undefined ? undefined : this.#minted.get(leaseId);
  }

  /** One token, or every one that a lease holds. */
  doubt(one: Token | undefined): void {
    for (const { value } of one === undefined ? this.#minted.values() : [one])
      this.#doubted.add(value);
    for (const value of [...this.#doubted].slice(0, -MAX_DOUBTED)) this.#doubted.delete(value);
  }

  countRefusal(): void {
    const settled = this.#newest === null || this.#clock.now() - this.#newest.at > SETTLED_MS;
    this.#refusals = settled ? 1 : this.#refusals + 1;
  }
}
