/** What is left afterwards: one action explained, and the ledger checked, by the command line as anybody runs it. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Story } from './story.ts';

export const SIGNALBOX = fileURLToPath(new URL('../../bin/signalbox.js', import.meta.url));
const PATIENCE_MS = 30_000;

export interface Ran {
  readonly stdout: string;
  readonly code: number;
}

/** Runs `signalbox …` with this home and nothing else of ours. */
export async function signalbox(
  home: string,
  args: readonly string[],
  input?: string,
): Promise<Ran> {
  const running = promisify(execFile)(process.execPath, [SIGNALBOX, ...args], {
    env: { PATH: process.env.PATH ?? '', SIGNALBOX_HOME: home, HOME: home },
    timeout: PATIENCE_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  running.child.stdin?.end(input);
  return running.then(
    ({ stdout }) => ({ stdout, code: 0 }),
    (error: { stdout?: string; stderr?: string; code?: number | string }) => {
      if (typeof error.code === 'number') return { stdout: error.stdout ?? '', code: error.code };
      throw error;
    },
  );
}
