/** Signalbox as it is, in front of the echo: two listeners, a data directory of its own, real commits. */
import { startSystem } from '../../src/system.ts';
import { ready } from './part.ts';

const system = await startSystem({
  directory: process.argv[2] ?? '',
  agents: { host: '127.0.0.1', port: 0 },
  operators: { host: '127.0.0.1', port: 0 },
  log: (line) => process.stderr.write(`${line}\n`),
  holdMs: 0,
});

// Counted where every part of the broker hands its transactions in; each is one durable commit that somebody awaits.
const { store } = system.broker;
const commit = store.commit.bind(store);
let commits = 0;
store.commit = (op) => {
  commits++;
  return commit(op);
};

ready(
  `${system.agentsUrl}/mcp`,
  ({ ask }) => {
    if (ask === 'commits') return commits;
    if (ask === 'resident') return process.memoryUsage.rss();
    if (ask === 'main') return mainThread();
    const { agentsUrl, operatorsUrl, setupCode } = system;
    return { agentsUrl, operatorsUrl, setupCode };
  },
  () => system.close(),
);

/** Microseconds of processor time of the thread that answers; the rest of the process is the store's and the collector's. */
function mainThread(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
