const MAX = 4_096;

/**
 * Approvals that a held call of this process has set out to use. The store lets an approval be used once; this only
 * keeps a twin of the call from being parked anew, as if it were a second wish.
 */
export class Claims {
  readonly #claimed = new Set<string>();

  /** False when another call has claimed it. */
  take(approvalId: string): boolean {
    if (this.#claimed.has(approvalId)) return false;
    this.#claimed.add(approvalId);
    if (this.#claimed.size > MAX)
      for (const oldest of this.#claimed) {
        this.#claimed.delete(oldest);
        break;
      }
    return true;
  }

  /** The approval was not used after all. */
  release(approvalId: string): void {
    this.#claimed.delete(approvalId);
  }
}
