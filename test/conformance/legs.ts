/** What is held against the suite: the gateway as server before both eras, its connector as client in both. */
import { clientFindings } from './client/run.ts';
import { type Era, startEverything } from './everything/listen.ts';
import { startGateway } from './gateway.ts';
import { type Revision, scored } from './requirements.ts';
import { type Findings, runSuite } from './suite.ts';

export interface Leg {
  readonly name: string;
  readonly names: readonly string[];
  /** False: a proof of the everything server alone, run when it is named. */
  readonly counts: boolean;
  run(): Promise<Findings>;
}

const SCENARIO_MS = 30_000;
const LEG_MS = 170_000;

function serverLeg(revision: Revision, era: Era): Leg {
  return {
    name: `server-${revision}-${era}`,
    names: scored(revision, 'server'),
    counts: true,
    run: async () => {
      const gateway = await startGateway(era);
      try {
        return await suiteAt(gateway.url, revision);
      } finally {
        await gateway.close();
      }
    },
  };
}

/** Without a gateway: what the everything server itself can and cannot do. */
function directLeg(revision: Revision, era: Era): Leg {
  return {
    name: `direct-${revision}-${era}`,
    names: scored(revision, 'server'),
    counts: false,
    run: async () => {
      const everything = await startEverything(era);
      try {
        return await suiteAt(everything.url.replace('127.0.0.1', 'localhost'), revision);
      } finally {
        await everything.close();
      }
    },
  };
}

function suiteAt(url: string, revision: Revision): Promise<Findings> {
  const timeout = ['--timeout', String(SCENARIO_MS)];
  return runSuite(['server', '--url', url, '--requirements', revision, ...timeout], LEG_MS);
}

function clientLeg(revision: Revision): Leg {
  return {
    name: `client-${revision}`,
    names: scored(revision, 'client'),
    counts: true,
    run: () => clientFindings(revision),
  };
}

export const LEGS: readonly Leg[] = [
  serverLeg('2025-11-25', 'modern'),
  serverLeg('2025-11-25', 'legacy'),
  serverLeg('2026-07-28', 'modern'),
  serverLeg('2026-07-28', 'legacy'),
  clientLeg('2025-11-25'),
  clientLeg('2026-07-28'),
  directLeg('2025-11-25', 'legacy'),
  directLeg('2026-07-28', 'modern'),
];
