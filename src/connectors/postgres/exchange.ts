import type pg from 'pg';

/** A statement prepared once per session under its name, then only bound and executed; without a name for this once. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

export interface Step {
  readonly statement: Prepared;
  readonly values?: readonly (string | null)[];
  /** The server stops handing out rows after these; a write still runs to its end. 0: all. */
  readonly maxRows?: number;
}

export interface Field {
  readonly name: string;
  readonly type: number;
}

export type Row = readonly (string | null)[];

export interface Answer {
  readonly fields: readonly Field[];
  readonly rows: readonly Row[];
  /** `UPDATE 3`, `COMMIT`, …; null when `maxRows` stopped it. */
  readonly tag: string | null;
}

/** What a session has prepared; null: parsed, but not described yet. */
export type Known = Map<string, readonly Field[] | null>;

/** The parts of pg's connection that its types leave out. */
interface Wire {
  parse(message: { name: string; text: string; types: number[] }): void;
  bind(message: { portal: string; statement: string; values: readonly (string | null)[] }): void;
  describe(message: { type: 'S'; name: string }): void;
  execute(message: { portal: string; rows: number }): void;
  sync(): void;
  sendCopyFail(reason: string): void;
  on(event: string, listener: (message: never) => void): void;
  off(event: string, listener: (message: never) => void): void;
  readonly stream: { cork(): void; uncork(): void; destroy(error: Error): void };
}

/**
 * Several statements in one round trip of the extended protocol. The server stops at the first that fails, so a
 * later one runs only when all before it succeeded. Handed to `Client.query`, which calls the `handle…` methods.
 */
export class Exchange implements pg.Submittable {
  readonly done: Promise<Answer[]>;
  readonly #steps: readonly Step[];
  readonly #known: Known;
  readonly #maxBytes: number;
  readonly #settle = Promise.withResolvers<Answer[]>();
  readonly #answers: Answer[] = [];
  readonly #parsing: string[] = [];
  readonly #describing: string[] = [];
  #rows: Row[] = [];
  #bytes = 0;
  #wire: Wire | null = null;

  constructor(steps: readonly Step[], known: Known, maxBytes: number) {
    this.#steps = steps;
    this.#known = known;
    this.#maxBytes = maxBytes;
    this.done = this.#settle.promise;
  }

  submit(connection: pg.Connection): void {
    const wire = connection as unknown as Wire;
    this.#wire = wire;
    wire.on('parseComplete', this.#onParsed);
    wire.on('noData', this.#onNoData);
    wire.stream.cork();
    for (const { statement, values, maxRows } of this.#steps) {
      const { name, text } = statement;
      if (name === '') this.#known.delete(name);
      if (!this.#known.has(name) && !this.#parsing.includes(name)) {
        wire.parse({ name, text, types: [] });
        this.#parsing.push(name);
      }
      if (!this.#known.get(name) && !this.#describing.includes(name)) {
        wire.describe({ type: 'S', name });
        this.#describing.push(name);
      }
      wire.bind({ portal: '', statement: name, values: values ?? [] });
      wire.execute({ portal: '', rows: maxRows ?? 0 });
    }
    wire.sync();
    wire.stream.uncork();
  }

  handleRowDescription(message: { fields: readonly { name: string; dataTypeID: number }[] }): void {
    this.#described(message.fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID })));
  }

  handleDataRow(message: { fields: Row }): void {
    for (const value of message.fields) this.#bytes += value?.length ?? 0;
    if (this.#bytes > this.#maxBytes)
      this.#wire?.stream.destroy(new Error('the result is larger than this session may hold'));
    else this.#rows.push(message.fields);
  }

  handleCommandComplete(message: { text: string }): void {
    this.#answered(message.text);
  }

  handlePortalSuspended(): void {
    this.#answered(null);
  }

  handleEmptyQuery(): void {
    this.#answered('');
  }

  handleReadyForQuery(): void {
    this.#detach();
    this.#settle.resolve(this.#answers);
  }

  handleError(error: Error): void {
    this.#detach();
    this.#settle.reject(error);
  }

  handleCopyInResponse(): void {
    this.#wire?.sendCopyFail('a tool does not copy');
  }

  handleCopyData(): void {}

  readonly #onParsed = (): void => {
    const name = this.#parsing.shift();
    if (name !== undefined) this.#known.set(name, null);
  };

  readonly #onNoData = (): void => this.#described([]);

  #described(fields: readonly Field[]): void {
    const name = this.#describing.shift();
    if (name !== undefined) this.#known.set(name, fields);
  }

  #answered(tag: string | null): void {
    const step = this.#steps[this.#answers.length];
    const fields = this.#known.get(step?.statement.name ?? '') ?? [];
    this.#answers.push({ fields, rows: this.#rows, tag });
    this.#rows = [];
  }

  #detach(): void {
    this.#wire?.off('parseComplete', this.#onParsed);
    this.#wire?.off('noData', this.#onNoData);
  }
}
