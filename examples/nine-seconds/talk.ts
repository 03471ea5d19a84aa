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
  const ended = once(child, 'close').then(
    () => `the agent's process ended: ${complaint.trim() || 'it said nothing'}`,
    (error: Error) => `the agent could not be started: ${error.message}`,
  );
  return {
    async ask(task, more = {}) {
      const late = AbortSignal.timeout(PATIENCE_MS);
      const answer = new Promise<Reply>((resolve, reject) => {
        waiting.set(task, resolve);
        void ended.then((why) => reject(new Error(why)));
        late.addEventListener('abort', () =>
          reject(new Error(`no answer to \`${task}\` within ${PATIENCE_MS / 1_000} s`)),
        );
      });
      child.stdin.write(`${JSON.stringify({ task, ...more } satisfies Task)}\n`);
      return answer;
    },
    stop: () => stop(child, ended),
  };
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.stdin?.end();
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(timer);
}
