import type { Doors } from '../domain/doors.ts';
import type { SharedStore } from '../store/open.ts';

export interface Address {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** More names by which this listener is called. */
  readonly extraHosts?: readonly string[];
}

export interface SystemOptions {
  /** Holds everything: store, ledger, master key; the key alone where the store is shared. Made when absent (0700). */
  readonly directory: string;
  /** Where systemd puts the credentials of a service; null or unset outside of one. */
  readonly credentials?: string | null;
  /** The store that this replica shares with others; unset: a file in the directory, for this process alone. */
  readonly shared?: SharedStore;
  readonly agents: Address;
  readonly operators: Address;
  /** One line at a time; never holds a secret. */
  readonly log: (line: string) => void;
  /** The simulator's and the tests' own clock, randomness and timers. */
  readonly doors?: Doors;
  /** A file that every signed checkpoint of the ledger is appended to; the log has one a minute. */
  readonly checkpoints?: string;
  /** How long a client whose call waits for a human is held before it is told to come back. */
  readonly holdMs?: number;
  /**
   * How old knowledge of halts may be where several processes share one store (250 to 5000 ms; 1000), and how often it
   * is asked for (50 ms to half of that; 250).
   */
  readonly freshness?: { readonly boundMs?: number; readonly beatMs?: number };
}
