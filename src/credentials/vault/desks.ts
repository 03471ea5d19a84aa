import { digestOf } from '../../domain/digest.ts';
import type { JsonObject } from '../../domain/json.ts';
import { VaultDesk, type VaultDeskParts } from './desk.ts';
import type { VaultServer } from './settings.ts';

const MAX_DESKS = 32;

/** One desk for each server as it is configured: connections to it share our token there. */
export class VaultDesks {
  readonly #parts: VaultDeskParts;
  readonly #desks = new Map<string, VaultDesk>();

  constructor(parts: VaultDeskParts) {
    this.#parts = parts;
  }

  of(server: VaultServer): VaultDesk {
    const key = digestOf('vault', server as unknown as JsonObject);
    const known = this.#desks.get(key);
    if (known !== undefined) return known;
    const oldest = this.#desks.size >= MAX_DESKS ? this.#desks.keys().next().value : undefined;
    if (oldest !== undefined) this.#desks.delete(oldest);
    const desk = new VaultDesk(server, this.#parts);
    this.#desks.set(key, desk);
    return desk;
  }
}
