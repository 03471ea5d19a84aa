import type { Doors } from '../domain/doors.ts';

export interface Output {
  write(text: string): void;
  /** Writes the text and a line end; resolves when more can be taken. */
  line(text: string): Promise<void>;
  readonly terminal: boolean;
}

export interface Input {
  /** All of it as UTF-8; throws a RangeError beyond `limit` bytes. */
  all(limit: number): Promise<string>;
  /** One line without its end; null when the input is over. */
  line(): Promise<string | null>;
  /** The same from a terminal that does not show what is typed; null when it was broken off. */
  hidden(): Promise<string | null>;
  /** Everything, in pieces as they come; ends early when it is told to return. */
  bytes(): AsyncGenerator<Uint8Array>;
  readonly terminal: boolean;
}

/** How a child ended: its exit code, or 128 + the number of the signal that ended it. */
export interface ChildEnd {
  readonly code: number;
  readonly signal: string | null;
}

/** Everything a command may touch of the machine. `door.ts` makes the real one; tests make their own. */
export interface Io {
  readonly out: Output;
  readonly err: Output;
  readonly input: Input;
  readonly doors: Doors;
  readonly env: { readonly [name: string]: string | undefined };
  readonly cwd: string;
  /** How this very program is started again: the Node that runs it, and its file. */
  readonly program: readonly string[];
  readonly home: string;
  /** Null where the system has no user ids. */
  readonly uid: number | null;
  readonly versions: { readonly [part: string]: string | undefined };
  readonly fetch: typeof fetch;
  /** Starts a child on this terminal; `signals` are passed on to it until it ends. */
  spawn(
    command: readonly string[],
    env: { readonly [name: string]: string | undefined },
  ): Promise<ChildEnd>;
  /** Calls `stop` at the first SIGINT or SIGTERM; returns how to stop listening. */
  onStop(stop: (signal: string) => void): () => void;
  /** Calls `halt` at every SIGUSR2; returns how to stop listening. */
  onHalt(halt: () => void): () => void;
}
