/** The Signalbox that is searched, as a process of its own: its streams, memory files and children are looked at from outside. */
import { startSystem } from '../../src/system.ts';

const [directory = ''] = process.argv.slice(2);
const system = await startSystem({
  directory,
  agents: { host: '127.0.0.1', port: 0 },
  operators: { host: '127.0.0.1', port: 0 },
  log: (line) => process.stderr.write(`${line}\n`),
  holdMs: 0,
});

/** What the harness must know in order to look for it; this channel leads nowhere else. */
async function passwordOf(runId: string, connection: string): Promise<string> {
  const run = await system.broker.store.run(runId);
  const at = (await system.broker.bundles.active()).connections[connection];
  if (run === null || at === undefined) return '';
  const credential = await system.broker.credentials.obtain(run, at);
  if (credential === null) return '';
  return credential.kind === 'login'
    ? credential.password
    : credential.kind === 'secret'
      ? credential.value
      : '';
}

process.on('message', (asked: { run?: string; connection?: string; end?: string }) => {
  if (asked.run !== undefined)
    void passwordOf(asked.run, asked.connection ?? '').then((value) => process.send?.({ value }));
  else if (asked.end === 'crash')
    setImmediate(() => {
      throw new Error('the harness let this process die');
    });
  else void system.close().then(() => process.exit(0));
});
process.on('disconnect', () => process.exit(1));
const { agentsUrl, operatorsUrl, setupCode } = system;
process.send?.({ agentsUrl, operatorsUrl, setupCode });
