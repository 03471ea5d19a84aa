/** The starter's side of the gateway: configured and enrolled through the operators' API, watched until it ends. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { beginRun } from '../crash/agent.ts';
import { claimOperator, type Operator } from '../crash/operator.ts';
import { member, send } from '../crash/wire.ts';

export interface Box {
  readonly agentsPort: number;
  readonly tokens: readonly string[];
  /** Lines the gateway logged that speak of a fault. */
  readonly faults: readonly string[];
  /** How it ended by itself; null while it lives. */
  crashed(): string | null;
  /** Answers some of the asks that are open; the number of them. */
  approve(most: number): Promise<number>;
  rss(): Promise<number>;
  stop(): Promise<void>;
}

interface Said {
  readonly agentsUrl?: string;
  readonly operatorsUrl?: string;
  readonly setupCode?: string;
  readonly rss?: number;
  readonly log?: string;
}

const RUNS = 12;

export async function startBox(directory: string, config: string): Promise<Box> {
  const child = fork(join(import.meta.dirname, 'gateway.ts'), [directory], {
    // the young generation as in production (bin/signalbox.js)
    execArgv: ['--expose-gc', '--min-semi-space-size=16', '--max-semi-space-size=16'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const watched = watch(child);
  const { agentsUrl = '', operatorsUrl = '', setupCode = '' } = await next(child);
  const operator = await claimOperator(operatorsUrl, setupCode);
  await operator.planAndApply(operatorsUrl, config, ['up']);
  const secret = await operator.enrol(operatorsUrl, 'fuzz');
  const tokens: string[] = [];
  for (let run = 0; run < RUNS; run++) {
    const begun = await beginRun(agentsUrl, secret, 'fuzz');
    if (begun === null) throw new Error('no run could be started');
    tokens.push(begun.token);
  }
  return {
    agentsPort: Number(new URL(agentsUrl).port),
    tokens,
    faults: watched.faults,
    crashed: watched.crashed,
    approve: (most) => approve(operator, operatorsUrl, most),
    async rss() {
      child.send('memory');
      return (await next(child)).rss ?? 0;
    },
    async stop() {
      if (watched.crashed() !== null) return;
      const gone = once(child, 'exit');
      watched.ending();
      child.send('stop');
      await gone;
    },
  };
}

function watch(child: ChildProcess) {
  const faults: string[] = [];
  let ending = false;
  let crashed: string | null = null;
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = `${stderr}${text}`.slice(-4_000);
  });
  child.on('message', ({ log }: Said) => {
    if (log !== undefined && /INTERNAL|unhandled|TypeError|RangeError/i.test(log)) faults.push(log);
  });
  child.on('exit', (code, signal) => {
    if (!ending) crashed = `ended with ${code ?? signal}: ${stderr}`;
  });
  return {
    faults,
    crashed: () => crashed,
    ending() {
      ending = true;
    },
  };
}

/** The next word that is not a line of its log. */
function next(child: ChildProcess): Promise<Said> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`the gateway ended: ${code}`));
    const heard = (said: Said): void => {
      if (said.log !== undefined) return;
      child.off('message', heard);
      child.off('exit', ended);
      resolve(said);
    };
    child.on('message', heard);
    child.once('exit', ended);
  });
}

async function approve(operator: Operator, url: string, most: number): Promise<number> {
  const open = await send('GET', `${url}/api/approvals`, operator.key);
  const listed = member(open?.body, 'approvals');
  let given = 0;
  for (const one of Array.isArray(listed) ? listed.slice(0, most) : []) {
    const id = member(one, 'id') ?? member(one, 'approval', 'id');
    if (typeof id === 'string' && (await operator.answer(url, id, 'approve')) === 'given') given++;
  }
  return given;
}
