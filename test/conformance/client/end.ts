/** How a driver ended: one line of JSON in the file that this variable names. */
export const ENDS = 'SIGNALBOX_CONFORMANCE_ENDS';

export interface End {
  readonly scenario: string;
  /** Null: as it should be. */
  readonly problem: string | null;
}
