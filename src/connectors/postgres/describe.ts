import type pg from 'pg';
import type { AdminClient } from './admin.ts';
import type { Field } from './exchange.ts';
import { CATALOGUE_PATH, SEARCH_PATH } from './login.ts';

/** Parameter types and result columns, as the server resolves them. */
export async function describe(
  client: AdminClient,
  text: string,
): Promise<{ parameters: readonly number[]; columns: readonly Field[] }> {
  await client.query(`SET LOCAL search_path = ${SEARCH_PATH}`);
  try {
    const describing = new Describing(text);
    client.query(describing);
    return await describing.done;
  } finally {
    await client.query(`SET LOCAL search_path = ${CATALOGUE_PATH}`).catch(() => {});
  }
}

interface Wire {
  parse(message: { name: string; text: string; types: number[] }): void;
  describe(message: { type: 'S'; name: string }): void;
  sync(): void;
  on(event: string, listener: (message: never) => void): void;
  off(event: string, listener: (message: never) => void): void;
}

/** Parses a statement on the server without executing it. Handed to `Client.query`. */
class Describing implements pg.Submittable {
  readonly #settle = Promise.withResolvers<{ parameters: number[]; columns: Field[] }>();
  readonly done = this.#settle.promise;
  readonly #text: string;
  #parameters: number[] = [];
  #columns: Field[] = [];
  #wire: Wire | null = null;
  /** Set by pg, which stops its timeout when it is called. */
  callback: ((error: Error | null) => void) | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  submit(connection: pg.Connection): void {
    const wire = connection as unknown as Wire;
    this.#wire = wire;
    wire.on('parameterDescription', this.#onParameters);
    wire.parse({ name: '', text: this.#text, types: [] });
    wire.describe({ type: 'S', name: '' });
    wire.sync();
  }

  readonly #onParameters = (message: { dataTypeIDs: number[] }): void => {
    this.#parameters = message.dataTypeIDs;
  };

  handleRowDescription(message: { fields: readonly { name: string; dataTypeID: number }[] }): void {
    this.#columns = message.fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID }));
  }

  handleReadyForQuery(): void {
    this.#end(null);
    this.#settle.resolve({ parameters: this.#parameters, columns: this.#columns });
  }

  handleError(error: Error): void {
    this.#end(error);
    this.#settle.reject(error);
  }

  #end(error: Error | null): void {
    this.#wire?.off('parameterDescription', this.#onParameters);
    this.callback?.(error);
  }
}
