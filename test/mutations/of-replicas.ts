import type { Mutation } from './mutations.ts';

/** Controls that only matter where several processes share a store. */
export const OF_REPLICAS: readonly Mutation[] = [
  {
    control: 'a halt covers the credential of a run below it that ended meanwhile',
    file: 'src/broker/reach.ts',
    find: 'new Set([...runs, ...gone].map',
    replace: 'new Set([...runs].map',
    test: 'src/broker/reach.test.ts',
  },
  {
    control: 'no halt is inert while the store lacks an outcome of what it brought down',
    file: 'src/broker/bring-down.ts',
    find: 'landed.then(() => broker.flights.recorded(scope))',
    replace: 'landed',
    test: 'src/broker/bring-down.test.ts',
  },
  {
    control: 'what came of a call outlives an outage of the store',
    file: 'src/broker/recover.ts',
    find: 'flights.owed(open.id) ?? (await found(broker, open))',
    replace: 'await found(broker, open)',
    test: 'test/replicas/outage.test.ts',
    slow: true,
  },
  {
    control: 'what landed while the store was away is recorded when it is back',
    file: 'src/broker/pulse.ts',
    find: 'else if (flights.allOwed().length > 0) this.#left();',
    replace: '',
    test: 'test/replicas/outage.test.ts',
    slow: true,
  },
  {
    control: 'nothing is served on old knowledge of halts',
    file: 'src/broker/freshness.ts',
    find: 'return this.#store.alone || this.leftMs >= 0;',
    replace: 'return true;',
    test: 'test/properties/freshness_or_stop.test.ts',
  },
  {
    control: 'the age of what is known of halts is looked at before the effect',
    file: 'src/broker/execute.ts',
    find: 'return marked.ok && !aloft.signal.aborted && broker.freshness.isFresh;',
    replace: 'return marked.ok && !aloft.signal.aborted;',
    test: 'test/properties/freshness_or_stop.test.ts',
  },
  {
    control: 'the age of what is known of halts is looked at before a call is begun',
    file: 'src/broker/execute.ts',
    find: 'if (!broker.freshness.isFresh) throw staleFault();',
    replace: '',
    test: 'test/properties/freshness_or_stop.test.ts',
  },
  {
    control: 'what flies is aborted when knowledge of halts grows too old',
    file: 'src/broker/pulse.ts',
    find: "flights.abort('all', STALE_ABORT);",
    replace: '',
    test: 'test/properties/freshness_or_stop.test.ts',
  },
  {
    control: 'what a living replica flies is left alone',
    file: 'src/broker/recover.ts',
    find: '!isLeft(open.replica)',
    replace: 'false',
    test: 'test/replicas/ownership.test.ts',
  },
  {
    control: 'a halt is inert only when it has landed everywhere',
    file: 'src/broker/halt.ts',
    find: 'const elsewhere = landings(broker, halt.epoch, heard);',
    replace: 'const elsewhere = Promise.resolve([]);',
    test: 'test/replicas/halts.test.ts',
  },
  {
    control: 'a credential that another replica makes is not called dead',
    file: 'src/credentials/leases.ts',
    find: 'if (dead && !(await this.#isMadeElsewhere(lease))) break;',
    replace: 'if (dead) break;',
    test: 'test/replicas/halts.test.ts',
  },
];
