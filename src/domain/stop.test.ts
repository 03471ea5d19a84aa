import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { Stop } from './stop.ts';

test('each listener is told once, of the first reason', () => {
  const stop = new Stop();
  const heard: string[] = [];
  const plain = (): void => void heard.push('plain');
  const gone = (): void => void heard.push('gone');
  const object = { handleEvent: () => void heard.push('object') };
  for (const one of [plain, plain, gone, object]) stop.addEventListener('abort', one);
  stop.removeEventListener('abort', gone);
  assert.doesNotThrow(() => stop.throwIfAborted());
  const why = new Error('first');
  stop.abort(why);
  stop.abort(new Error('second'));
  stop.addEventListener('abort', gone);
  assert.deepEqual([heard, stop.aborted, stop.reason], [['plain', 'object'], true, why]);
  assert.throws(() => stop.throwIfAborted(), why);
});

test('a listener that throws keeps no other from being told, nor whoever aborts from going on', () => {
  const script = `
    import { Stop } from ${JSON.stringify(new URL('./stop.ts', import.meta.url).href)};
    process.on('uncaughtException', (error) => console.log('uncaught ' + error.message));
    const stop = new Stop();
    stop.addEventListener('abort', () => { throw new Error('bad'); });
    stop.addEventListener('abort', () => console.log('told'));
    stop.abort();
    console.log('on');`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  assert.equal(said, 'told\non\nuncaught bad\n');
});
