import type { Change, Value } from './wire.ts';

const VERBS: Readonly<Record<number, Change['verb']>> = { 9: 'delete', 18: 'insert', 23: 'update' };

/**
 * Reads what a session of SQLite recorded (the changeset format of its session extension). `columnsOf` names the columns of
 * a table in their order. Throws RangeError for anything that is no changeset.
 */
export function changesIn(
  bytes: Uint8Array,
  columnsOf: (table: string) => readonly string[],
): Change[] {
  const reader = new Reader(bytes);
  const changes: Change[] = [];
  let table = '';
  let columns: Change['columns'] = [];
  while (!reader.done) {
    const tag = reader.byte();
    if (tag === 0x54) {
      const count = reader.varint();
      const keys = Array.from({ length: count }, () => reader.byte() !== 0);
      table = reader.name();
      const names = columnsOf(table);
      columns = keys.map((key, index) => ({ name: names[index] ?? `column ${index + 1}`, key }));
      continue;
    }
    const verb = VERBS[tag];
    if (verb === undefined) throw new RangeError(`a changeset with an unknown entry ${tag}`);
    reader.byte();
    const record = (): (Value | undefined)[] => columns.map(() => reader.value());
    const before = verb === 'insert' ? null : record();
    const after = verb === 'delete' ? null : record();
    changes.push({ table, verb, columns, before, after });
  }
  return changes;
}

class Reader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#view.getUint8(this.#at++);
  }

  varint(): number {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.byte();
      value = value * 128 + (byte & 127);
      if (byte < 128) return value;
    }
    throw new RangeError('a changeset with a number that does not end');
  }

  name(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw new RangeError('a changeset with a name that does not end');
    const name = Buffer.from(this.#bytes.subarray(this.#at, end)).toString();
    this.#at = end + 1;
    return name;
  }

  value(): Value | undefined {
    const kind = this.byte();
    if (kind === 0) return undefined;
    if (kind === 5) return null;
    if (kind === 1 || kind === 2) {
      const at = this.#at;
      this.#at += 8;
      return kind === 1 ? this.#view.getBigInt64(at) : this.#view.getFloat64(at);
    }
    const length = this.varint();
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    if (bytes.length !== length) throw new RangeError('a changeset that was cut off');
    if (kind === 3) return Buffer.from(bytes).toString();
    if (kind === 4) return Uint8Array.from(bytes);
    throw new RangeError(`a changeset with a value of kind ${kind}`);
  }
}
