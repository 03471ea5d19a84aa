/** Signalbox as it is, which also says how long its commits took. */
import { startSystem } from '../../src/system.ts';
import { ready } from '../toolcall/part.ts';

const system = await startSystem({
  directory: process.argv[2] ?? '',
  agents: { host: '127.0.0.1', port: 0 },
  operators: { host: '127.0.0.1', port: 0 },
  log: (line) => process.stderr.write(`${line}\n`),
  holdMs: 0,
});

const { store } = system.broker;
const commit = store.commit.bind(store);
let took: number[] = [];
store.commit = async (op) => {
  const from = performance.now();
  try {
    return await commit(op);
  } finally {
    took.push(performance.now() - from);
  }
};

ready(
  `${system.agentsUrl}/mcp`,
  ({ ask }) => {
    if (ask === 'commits') {
      const since = took;
      took = [];
      return since;
    }
    const { agentsUrl, operatorsUrl, setupCode } = system;
    return { agentsUrl, operatorsUrl, setupCode };
  },
  () => system.close(),
);
