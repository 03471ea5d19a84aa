import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type ServerSentEvent, SseReader, StreamTooLong } from './sse.ts';

const STREAM =
  '\ufeff: a comment\r\nevent: message\r\ndata: one\r\n\r\nid: 7\nretry: 250\ndata:\n\ndata: two\ndata:  lines ✓\rid: 8\r\rdata: lost';

function read(bytes: Buffer, size: number): { events: ServerSentEvent[]; reader: SseReader } {
  const events: ServerSentEvent[] = [];
  const reader = new SseReader(1_000, (event) => events.push(event));
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
  return { events, reader };
}

it('reads the same events from pieces of any size', () => {
  const bytes = Buffer.from(STREAM);
  for (let size = 1; size <= bytes.length; size++) {
    const { events, reader } = read(bytes, size);
    assert.deepEqual(events, [
      { event: 'message', data: 'one', id: null },
      { event: '', data: '', id: '7' },
      { event: '', data: 'two\n lines ✓', id: '8' },
    ]);
    assert.deepEqual([reader.lastId, reader.retry], ['8', 250]);
  }
});

it('refuses an event without end, in one line or in many', () => {
  const line = Buffer.from('x'.repeat(400));
  const reader = new SseReader(1_000, () => {});
  assert.throws(() => {
    for (let i = 0; i < 10; i++) reader.push(line);
  }, StreamTooLong);
  const many = new SseReader(1_000, () => {});
  assert.throws(() => {
    for (let i = 0; i < 10; i++) many.push(Buffer.from(`data: ${'x'.repeat(200)}\n`));
  }, StreamTooLong);
});
