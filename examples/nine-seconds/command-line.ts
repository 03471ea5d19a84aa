/** `signalbox …` as anybody runs it: the real command, a process of its own. */
import { execFile } from 'node:child_process';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from './story.ts';

export const SIGNALBOX = path.join(import.meta.dirname, '..', '..', 'bin', 'signalbox.js');
const PATIENCE_MS = 30_000;

/** Runs it with this home and nothing else of ours. @throws with its own words when it fails. */
export async function signalbox(
  home: string,
  args: readonly string[],
  input?: string,
): Promise<string> {
  const running = promisify(execFile)(process.execPath, [SIGNALBOX, ...args], {
    env: { PATH: process.env.PATH ?? '', SIGNALBOX_HOME: home, HOME: home },
    timeout: PATIENCE_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  running.child.stdin?.end(input);
  try {
    return (await running).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`signalbox ${args[0]}: ${(stderr + stdout).trim() || messageOf(error)}`);
  }
}
