import type { JsonObject } from '../../domain/json.ts';
import { type ClientIdentity, modernMeta, ownMeta } from '../../protocols/mcp/upstream-request.ts';
import type { Ear, Session } from './wire.ts';

const NO_CAPABILITIES: JsonObject = {};

/** The `_meta` of the requests of one session. What depends on the caller's capabilities alone is serialised once. */
export class RequestMeta {
  readonly #client: ClientIdentity;
  readonly #bases = new WeakMap<JsonObject, string>();

  constructor(client: ClientIdentity) {
    this.#client = client;
  }

  /** Its members, serialised; empty for none. */
  of(era: Session['era'], id: number, ear: Ear | null): string {
    if (era === 'legacy') return ear?.progress === true ? ownMeta(id, true, null) : '';
    const base = this.#base(ear?.capabilities ?? NO_CAPABILITIES);
    const own = ear === null ? '' : ownMeta(id, ear.progress, ear.logLevel);
    return own === '' ? base : `${base},${own}`;
  }

  #base(capabilities: JsonObject): string {
    const known = this.#bases.get(capabilities);
    if (known !== undefined) return known;
    const made = modernMeta(this.#client, capabilities);
    this.#bases.set(capabilities, made);
    return made;
  }
}
