import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '../../domain/bundle.ts';
import type { Doors } from '../../domain/doors.ts';
import type { Run } from '../../domain/run.ts';
import type { Store } from '../../domain/store.ts';
import { realDoors } from '../../doors.ts';
import { openSqliteStore } from '../../store/sqlite/store.ts';
import { createIssuers, type Issuers } from '../issuers.ts';
import { Leases } from '../leases.ts';
import type { RoleServer } from '../postgres-role.ts';
import { createSecrets, type Secrets } from '../secrets.ts';

const MASTER = Buffer.alloc(32, 9);

/** The store, the secrets, every issuer and the desk of leases as they are in the product. Only tests use it. */
export interface TestDesk {
  readonly store: Store;
  readonly secrets: Secrets;
  readonly doors: Doors;
  readonly logged: string[];
  /** Resolves at the nth line from now that says so. */
  said(pattern: RegExp, times?: number): Promise<void>;
  leases: Leases;
  issuers: Issuers;
  /** The connection as it is configured. */
  connection: Connection;
  run(agent?: string, subject?: string): Promise<Run>;
  /** As a new process after a crash: nothing is known but what the store holds. */
  wake(): Promise<void>;
  pass(ms: number): void;
  close(): Promise<void>;
}

const NO_DATABASE: RoleServer = {
  with: () => Promise.reject(new Error('there is no database here')),
  server: () => Promise.reject(new Error('there is no database here')),
  grantRole: () => 'none',
  handOn: () => '',
  takeBack: () => '',
  brokerRole: () => 'none',
  tryLogin: async () => 'unclear',
};

export async function openDesk(
  connection: Connection,
  roles: RoleServer = NO_DATABASE,
): Promise<TestDesk> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-issuers-'));
  let passed = 0;
  let runs = 0;
  const real = realDoors();
  const clock = { now: () => Date.now() + passed, monotonic: real.clock.monotonic };
  const doors = { ...real, clock };
  const store = await openSqliteStore({ directory, masterKey: MASTER, doors });
  const secrets = createSecrets({ store, masterKey: MASTER, doors });
  const readText = (path: string): Promise<string> => readFile(path, 'utf8');
  const logged: string[] = [];
  const hearers = new Set<(line: string) => void>();
  const said = (pattern: RegExp, times = 1): Promise<void> =>
    new Promise((resolve) => {
      let left = times;
      const hearer = (line: string): void => {
        if (!pattern.test(line) || --left > 0) return;
        hearers.delete(hearer);
        resolve();
      };
      hearers.add(hearer);
    });
  const made = () => createIssuers({ secrets, store, roles, doors, readText });
  const desk: TestDesk = {
    ...{ store, secrets, doors, logged, said, connection },
    issuers: made(),
    leases: undefined as unknown as Leases,
    async run(agent = 'coder', subject) {
      const id = `run_desk_${++runs}`;
      const at = clock.now();
      const run: Run = {
        ...{ id, root: id, parent: null, depth: 0, agent, intent: 'test', state: 'live' },
        ...{ startedAt: at, expiresAt: at + 8 * 3_600_000, endedAt: null, budget: {} },
        ...{ tools: null, actsFor: [] },
        ...(subject === undefined ? {} : { subject }),
      };
      await store.commit({ kind: 'run.begin', run, at });
      return run;
    },
    async wake() {
      desk.leases.close();
      await desk.issuers.close();
      desk.issuers = made();
      desk.leases = leasesOf();
    },
    pass(ms) {
      passed += ms;
    },
    async close() {
      desk.leases.close();
      await desk.issuers.close();
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
  const leasesOf = (): Leases =>
    new Leases({
      ...{ store, doors, issuers: desk.issuers.all },
      connection: async () => desk.connection,
      log: (line) => {
        logged.push(line);
        for (const hear of hearers) hear(line);
      },
    });
  desk.leases = leasesOf();
  return desk;
}
