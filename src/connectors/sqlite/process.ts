/** The process that holds one SQLite file for one run: a slow statement keeps it busy and nobody else, and it can be killed. */
import { Keeper } from './keeper.ts';
import type { Question } from './wire.ts';

const [file = '', mode = 'read'] = process.argv.slice(2);
const say = (message: unknown): void => void process.send?.(message);

let keeper: Keeper | null = null;
try {
  keeper = new Keeper(file, mode === 'read');
  say({ ok: true, value: null });
} catch (error) {
  say({ ok: false, why: 'refused', message: error instanceof Error ? error.message : 'no file' });
}
process.on('message', (question: Question) => {
  if (keeper !== null) say(keeper.answer(question));
});
process.on('disconnect', () => keeper?.close());
