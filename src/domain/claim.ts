/**
 * What may happen once, on whichever replica: refused `taken` to all but the first. `claim` names it; after `until` it is
 * forgotten. No record: nothing was allowed by it that was not judged.
 */
export interface ClaimTake {
  readonly kind: 'claim.take';
  readonly claim: string;
  readonly until: number;
  readonly at: number;
}
