/** How an agent hands a part of its run to a sub-agent. */
import type { RunHandle } from '../crash/agent.ts';
import { beginRun } from '../crash/agent.ts';
import type { Deployment } from './deployment.ts';

export async function delegate(d: Deployment, n: number, _parent: RunHandle): Promise<RunHandle> {
  const run = await beginRun(d.agentsUrl(n + 1), d.secrets.victim, 'be halted too');
  if (run === null) throw new Error('no sub-run');
  return run;
}
