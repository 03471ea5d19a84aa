import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Leg, type LegOwner } from './leg.ts';
import { OpenStream } from './open-stream.ts';

/** A stream whose waits are written down, and over when it is told so. */
function opened() {
  const waits: number[] = [];
  let next = (): void => {};
  let aborted = 0;
  let owner: LegOwner | null = null;
  class Watched extends Leg {
    override abort(): void {
      aborted++;
    }
  }
  new OpenStream({
    timers: {
      after: (ms, run) => {
        waits.push(ms);
        next = run;
        return { cancel: () => {} };
      },
      every: () => ({ cancel: () => {} }),
    },
    open: (by) => {
      owner = by;
      return new Watched(by);
    },
    heard: () => {},
    asked: () => {},
  });
  const now = (): LegOwner => owner ?? assert.fail('it was not opened');
  return { waits, now, again: () => next(), aborts: () => aborted };
}

it('is not opened in a circle without a pause, whatever its server asks', () => {
  const stream = opened();
  for (let round = 0; round < 5; round++) {
    stream.now().head(200, { 'content-type': 'text/event-stream' });
    stream.now().data(Buffer.from('id: 1\nretry: 0\ndata: \n\n'));
    stream.now().end();
    stream.again();
  }
  assert.deepEqual(stream.waits, [125, 250, 500, 1_000, 2_000]);
});

it('is cut when its server is at fault at any length, and opened again later', () => {
  const stream = opened();
  stream.now().head(500, {});
  assert.deepEqual([stream.aborts(), stream.waits], [1, [1_000]]);
});
