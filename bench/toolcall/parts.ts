/** The starter's side of the measured processes. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Question } from './part.ts';

export interface Part {
  readonly name: string;
  readonly url: string;
  /** Microseconds of processor time so far. */
  cpu(): Promise<number>;
  ask<Answer>(question: Question): Promise<Answer>;
  stop(): Promise<void>;
}

type Said = { readonly url: string } | { readonly answer: unknown } | { readonly fault: string };

/** Starts `name`.ts of this folder as a process of its own. */
export async function startPart(
  name: string,
  args: readonly string[] = [],
  execArgv: readonly string[] = [],
): Promise<Part> {
  const child = fork(join(import.meta.dirname, `${name}.ts`), [...args], {
    execArgv: [...execArgv],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const first = await next(child, name);
  if (!('url' in first)) throw new Error(`${name} did not start: ${JSON.stringify(first)}`);
  const ask = async <Answer>(question: Question): Promise<Answer> => {
    const said = next(child, name);
    child.send(question);
    const got = await said;
    if ('answer' in got) return got.answer as Answer;
    throw new Error(`${name}: ${JSON.stringify(got)}`);
  };
  return {
    name,
    url: first.url,
    cpu: () => ask<number>({ ask: 'cpu' }),
    ask,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

/** Questions are put one at a time, so the next message is the answer. */
function next(child: ChildProcess, name: string): Promise<Said> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`${name} ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as Said);
    });
  });
}
