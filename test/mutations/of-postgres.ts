import type { Mutation } from './mutations.ts';

const replicas = 'test/contract/postgres-replicas.test.ts';
const outage = 'test/contract/postgres-outage.test.ts';

/** What holds the PostgreSQL store together, switched off. */
export const OF_POSTGRES: readonly Mutation[] = [
  {
    control: 'what raises a halt is alone at the gate',
    file: 'src/store/postgres/load.ts',
    find: 'places.isAlone ? GATE_ALONE : GATE',
    replace: 'GATE ?? GATE_ALONE',
    test: replicas,
    slow: true,
  },
  {
    control: 'a limit is locked before it is compared',
    file: 'src/store/postgres/load.ts',
    find: 'ORDER BY key, dimension FOR NO KEY UPDATE',
    replace: 'ORDER BY key, dimension',
    test: replicas,
    slow: true,
  },
  {
    control: 'a lost commit is looked up before anybody is told',
    file: 'src/store/postgres/fate.ts',
    find: "found?.hash === proof.hash ? 'committed' : 'aborted'",
    replace: "'committed'",
    test: outage,
    slow: true,
  },
  {
    control: 'what is carried is verified where it arrives',
    file: 'src/store/carry/backup-file.ts',
    find: 'if (line.sha256 !== this.#told)',
    replace: 'if (line.sha256 === 0)',
    test: 'test/contract/store-carry.test.ts',
    slow: true,
  },
  {
    control: 'a replica that fell silent holds the gate no longer than its knowledge lasts',
    file: 'src/store/postgres/session.ts',
    find: 'const HELD_MS = 1_000;',
    replace: 'const HELD_MS = 10_000;',
    test: 'test/contract/postgres-silent-holder.test.ts',
    slow: true,
  },
  {
    control: 'a start on a busy machine may take its time between two statements',
    file: 'src/store/postgres/session.ts',
    find: 'heldMs: 5 * 60_000',
    replace: 'heldMs: 1_000',
    test: 'test/contract/postgres-silent-holder.test.ts',
    slow: true,
  },
];
