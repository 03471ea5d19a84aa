/*
 * The order in which every writing transaction locks, so that replicas queue and never embrace each other:
 *
 *   1. the gate     advisory lock of this store: shared by every batch; alone for what raises or lifts a halt or applies
 *                   a bundle. Its queue is fair, so a halt waits for the batches before it and no longer. Behind the
 *                   gate alone nobody else writes: what raises a halt takes no lock of those that follow.
 *   2. run trees    advisory locks, by the hash of their root: one tree grows or ends at a time, so that what ends with a
 *                   run is known when its chains are locked. Actions do not take it.
 *   3. run chains   their heads, by name. Whoever holds a head may change the rows that the chain's records speak of.
 *   4. usage        by key and dimension.
 *   5. the system chain, last.
 *
 * Sealing (op-seal.ts) takes a lock of its own on the way, and gives up at once when another replica has it.
 */

/** Upper half of our advisory locks; the lower half is 0 for migrating, else the object id of the table `control`. */
export const LOCK_CLASS = 23_308;

/** The same for the lock of whoever seals. */
export const SEAL_CLASS = LOCK_CLASS + 1;

/** Shared by every connection that writes, for as long as it is there; alone for what no writer may be there for. */
export function writersKey(control: number): number {
  return (LOCK_CLASS + 2) * 2 ** 32 + control;
}

export function gateKey(control: number): number {
  return LOCK_CLASS * 2 ** 32 + control;
}

/** The channel of this store's notices. */
export function channelOf(control: number): string {
  return `signalbox_${control}`;
}
