/*
 * The order in which every writing transaction locks, so that replicas queue and never embrace each other:
 *
 *   1. the gate     advisory lock of this store: shared by every batch; alone for what raises or lifts a halt or applies
 *                   a bundle. Its queue is fair, so a halt waits for the batches before it and no longer.
 *   2. run chains   their heads, by name. Whoever holds a head may change the rows that the chain's records speak of.
 *   3. usage        by key and dimension.
 *   4. the system chain, last.
 */

/** Upper half of our advisory locks; the lower half is 0 for migrating, else the object id of the table `control`. */
export const LOCK_CLASS = 23_308;

export function gateKey(control: number): number {
  return LOCK_CLASS * 2 ** 32 + control;
}

/** The channel of this store's notices. */
export function channelOf(control: number): string {
  return `signalbox_${control}`;
}
