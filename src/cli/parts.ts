/** What commands need of the house when they work on this machine; given by main.ts. */
export interface Parts {
  readonly version: string;
  readonly start: (options: StartOptions) => Promise<Running>;
  /** Re-reads the ledger of a data directory, whether a Signalbox runs on it or not. */
  readonly verifyDirectory: (directory: string) => Promise<{ readonly ok: boolean }>;
}

export interface StartOptions {
  readonly directory: string;
  readonly agents: { readonly host: string; readonly port: number };
  readonly operators: { readonly host: string; readonly port: number };
  readonly log: (line: string) => void;
}

export interface Running {
  readonly agentsUrl: string;
  readonly operatorsUrl: string;
  /** For the first owner; null once there is one. */
  readonly setupCode: string | null;
  close(): Promise<void>;
}
