/** Puts a store at rest under another master key. */
export interface RekeyOrder {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  /** The sealed text of a secret under the new key. Throws when it does not open. */
  readonly rewrap: (name: string, sealed: string) => string;
  /** A secret of ours to add where there is none of its name. */
  readonly add: { readonly name: string; readonly sealed: string };
}

export interface Rewrapped {
  readonly chains: number;
  readonly secrets: number;
  /** What did not open under the key so far, and was left as it is. */
  readonly unreadable: readonly string[];
}

export interface Rotated extends Rewrapped {
  /** `finished`: one that was cut short; `current`: a store restored from before is under the key in use now. */
  readonly how: 'new' | 'finished' | 'current';
  /** Files in which the key before is kept. */
  readonly kept: readonly string[];
}
