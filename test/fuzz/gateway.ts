/** The Signalbox that is shot at, as a process of its own: it must outlive everything, and its memory is its own. */
import { startSystem } from '../../src/system.ts';

const say = (message: unknown): void => void process.send?.(message);
const system = await startSystem({
  directory: process.argv[2] ?? '',
  agents: { host: '127.0.0.1', port: 0 },
  operators: { host: '127.0.0.1', port: 0 },
  log: (line) => say({ log: line }),
  holdMs: 0,
});
const collect = (globalThis as { gc?: () => void }).gc;

process.on('message', (question) => {
  if (question === 'memory') {
    collect?.();
    say({ rss: process.memoryUsage().rss });
  } else void system.close().then(() => process.exit(0));
});
process.on('disconnect', () => process.exit(1));
say({
  agentsUrl: system.agentsUrl,
  operatorsUrl: system.operatorsUrl,
  setupCode: system.setupCode,
});
