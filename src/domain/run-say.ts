/** Words of the principal that came after the run began: they prove what its intent would. Refused once it is over. */
export interface RunSay {
  readonly kind: 'run.say';
  readonly runId: string;
  readonly text: string;
  /** In ms since the epoch. */
  readonly at: number;
}
