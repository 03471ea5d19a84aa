/** Null stands for a line longer than `limit` bytes: it is dropped to its end, and said. */
export async function* linesOf(
  bytes: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<Uint8Array | null> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    let rest = chunk;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      const last = rest.subarray(0, end);
      yield size + last.length > limit ? null : Buffer.concat([...parts, last]);
      parts = [];
      size = 0;
      rest = rest.subarray(end + 1);
    }
    size += rest.length;
    // beyond the limit only the size is kept
    if (size > limit) parts = [];
    else if (rest.length > 0) parts.push(Buffer.from(rest));
  }
  if (size > limit) yield null;
  else if (size > 0) yield Buffer.concat(parts);
}

const NEWLINE = 0x0a;
