/** A line longer than the limit: it is dropped to its end, but for what its sender may be answered by. */
export class Overlong {
  readonly head: string;
  readonly tail: string;
  constructor(head: Uint8Array, tail: Uint8Array) {
    this.head = Buffer.from(head).toString('latin1');
    this.tail = Buffer.from(tail).toString('latin1');
  }
}

/** Bytes that are kept of each end of an overlong line. */
const ENDS = 256;

/** Lines without their ends. */
export async function* linesOf(
  bytes: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<Uint8Array | Overlong> {
  let line = new Line(limit);
  for await (const chunk of bytes) {
    let rest = chunk;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      line.add(rest.subarray(0, end));
      yield line.whole();
      line = new Line(limit);
      rest = rest.subarray(end + 1);
    }
    line.add(rest);
  }
  if (line.size > 0) yield line.whole();
}

class Line {
  size = 0;
  readonly #limit: number;
  #parts: Uint8Array[] = [];
  #head: Uint8Array | null = null;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.size += bytes.length;
    this.#parts.push(Buffer.from(bytes));
    if (this.size <= this.#limit) return;
    // beyond the limit only the two ends are kept
    const all = Buffer.concat(this.#parts);
    this.#head ??= Buffer.from(all.subarray(0, ENDS));
    this.#parts = [Buffer.from(all.subarray(-ENDS))];
  }

  whole(): Uint8Array | Overlong {
    const all = Buffer.concat(this.#parts);
    return this.#head === null ? all : new Overlong(this.#head, all);
  }
}

const NEWLINE = 0x0a;
