/** Agents that work through everything, and the human who says yes to what they ask. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject } from '../../src/domain/json.ts';
import { beginRun, callTool, endRun, type RunHandle, type Said } from '../crash/agent.ts';
import { member, send } from '../crash/wire.ts';
import type { Who } from '../drill/canary.ts';
import { addMark, getPage, readRow, type Wish } from '../drill/config.ts';
import { delegate } from '../drill/delegate.ts';
import type { Deployment } from '../drill/deployment.ts';

export interface Load {
  /** How often each answer was heard. */
  readonly heard: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

const CALLS_A_RUN = 40;
const PACE_MS = 30;
const AGAIN_MS = 100;
/** Answers in a row that were no answer: the replica is gone, or held the call for a human in a stream of events. */
const MOST_LOST = 8;
const APPROVE_EVERY_MS = 100;

export function startLoad(d: Deployment): Load {
  const heard = new Map<string, number>();
  const state = { going: true };
  const worker = (n: number, who: Who, wishes: readonly (() => Wish)[], sub = false) =>
    work({ d, heard, going: () => state.going, n, who, wishes, sub });
  const reading = (who: Who): (() => Wish)[] => [() => readRow(who), () => getPage(who)];
  const writing = (who: Who): (() => Wish)[] => [
    () => addMark(who, randomUUID()),
    () => readRow(who),
  ];
  const workers = [
    ...[0, 1, 2].map((n) => worker(n, 'other', reading('other'))),
    ...[0, 1, 2].map((n) => worker(n, 'other', writing('other'))),
    ...[0, 1, 2].map((n) => worker(n, 'victim', reading('victim'), true)),
    ...[0, 1, 2].map((n) => worker(n, 'victim', writing('victim'))),
    approving(d, () => state.going, heard),
  ];
  const all = Promise.all(workers);
  all.catch(() => {});
  return {
    heard,
    async stop() {
      state.going = false;
      await all;
    },
  };
}

interface Worker {
  readonly d: Deployment;
  readonly heard: Map<string, number>;
  readonly going: () => boolean;
  readonly n: number;
  readonly who: Who;
  readonly wishes: readonly (() => Wish)[];
  /** Half of its work is done in a sub-run. */
  readonly sub: boolean;
}

/** Run after run, at whichever replica answers. */
async function work({ d, heard, going, n, who, wishes, sub }: Worker): Promise<void> {
  const secret = who === 'victim' ? d.secrets.victim : d.secrets.bystander;
  for (let at = n; going(); at++) {
    const run = await begun(d, at, secret);
    if (run === null) {
      await sleep(AGAIN_MS);
      continue;
    }
    const child = sub ? await delegate(d.agentsUrl(at), run).catch(() => null) : null;
    let lost = 0;
    for (let calls = 0; going() && calls < CALLS_A_RUN; calls++) {
      const { tool, args } = (wishes[calls % wishes.length] ?? (() => readRow(who)))();
      const actor = calls % 2 === 1 && child?.run ? child.run : run;
      const said = await callTool(d.agentsUrl(at), actor, tool, args).catch(
        (): Said => ({ kind: 'lost' }),
      );
      count(heard, `${tool} ${said.kind}${'code' in said ? ` ${said.code}` : ''}`);
      lost = said.kind === 'lost' ? lost + 1 : 0;
      if (said.kind === 'denied' || lost > MOST_LOST) break;
      await sleep(said.kind === 'lost' ? AGAIN_MS : PACE_MS);
    }
    await endRun(d.agentsUrl(at), run).catch(() => false);
  }
}

async function begun(d: Deployment, n: number, secret: string): Promise<RunHandle | null> {
  try {
    return await beginRun(d.agentsUrl(n), secret, 'soak');
  } catch {
    return null; // halted, or nobody is there
  }
}

/** Says yes to everything that is asked: what is held meanwhile then runs. */
async function approving(
  d: Deployment,
  going: () => boolean,
  heard: Map<string, number>,
): Promise<void> {
  for (let n = 0; going(); n++) {
    try {
      const url = d.operatorsUrl(n);
      const reply = await send('GET', `${url}/api/approvals`, d.operator.key);
      const asks = member(reply?.body, 'approvals');
      for (const ask of Array.isArray(asks) ? asks.filter(isJsonObject) : [])
        count(heard, `approval ${await d.operator.answer(url, String(ask.id), 'approve')}`);
    } catch {
      // the replica is away; the next one is asked
    }
    await sleep(APPROVE_EVERY_MS);
  }
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}
