/** The person who gives the agent its tasks: starts it as a process and talks to it line by line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Reply, Task, TaskName } from './script.ts';

export interface Agent {
  ask(task: TaskName, more?: Omit<Task, 'task'>): Promise<Reply>;
  stop(): Promise<void>;
}

export interface AgentStart {
  readonly workspace: string;
  /** What starts it, before its own words: `signalbox run … --`. Empty: nothing does. */
  readonly through?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const PROGRAM = fileURLToPath(new URL('./agent.ts', import.meta.url));
const PATIENCE_MS = 30_000;
const POLITE_MS = 1_500;
const KEPT = 4_000;

/** The agent gets the little of our environment that a program needs to run, and what `env` names. */
export function startAgent({ workspace, through = [], env = {} }: AgentStart): Agent {
  const [program = process.execPath, ...args] = [...through, process.execPath, PROGRAM, workspace];
  const child = spawn(program, args, {
    cwd: workspace,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const waiting = new Map<TaskName, (reply: Reply) => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{')) return;
    const reply = JSON.parse(line) as Reply;
    waiting.get(reply.task)?.(reply);
    waiting.delete(reply.task);
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-KEPT);
  });
  child.stdin.on('error', () => {});
  const ended = once(child, 'exit').then(
    // What it still had to say is read a moment later.
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return `the agent's process ended: ${complaint.trim() || 'it said nothing'}`;
    },
    (error: Error) => `the agent could not be started: ${error.message}`,
  );
  return {
    ask(task, more = {}) {
      const answer = new Promise<Reply>((resolve, reject) => {
        waiting.set(task, resolve);
        void ended.then((why) => reject(new Error(why)));
        const late = `no answer to \`${task}\` within ${PATIENCE_MS / 1_000} s`;
        setTimeout(() => reject(new Error(late)), PATIENCE_MS).unref();
      });
      // Whoever asked may have stopped waiting for it: why is told where that happened.
      answer.catch(() => {});
      child.stdin.write(`${JSON.stringify({ task, ...more } satisfies Task)}\n`);
      return answer;
    },
    stop: () => stop(child, ended),
  };
}

/** The end of its input ends it; in the middle of a call a signal does, which `signalbox run` passes on. */
async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.stdin?.end();
  const timers = [
    setTimeout(() => child.kill('SIGTERM'), POLITE_MS),
    setTimeout(() => child.kill('SIGKILL'), 4 * POLITE_MS),
  ];
  await ended;
  for (const timer of timers) clearTimeout(timer);
}
