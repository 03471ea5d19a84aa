/** The process that is killed: Signalbox as it is, loaded beforehand so that a restart costs only what a start must do. */
import { flushCompileCache } from 'node:module';
import { type System, startSystem } from '../../src/system.ts';

export interface Go {
  readonly directory: string;
  readonly agentsPort: number;
  readonly operatorsPort: number;
}

export type FromChild =
  | { readonly loaded: true }
  | {
      readonly agentsUrl: string;
      readonly operatorsUrl: string;
      readonly setupCode: string | null;
      readonly recovered: System['recovered'];
    }
  | { readonly fault: string };

const host = '127.0.0.1';
let system: System | null = null;

function say(message: FromChild): void {
  process.send?.(message);
}

async function start(go: Go): Promise<void> {
  system = await startSystem({
    directory: go.directory,
    agents: { host, port: go.agentsPort },
    operators: { host, port: go.operatorsPort },
    log: (line) => process.stderr.write(`${line}\n`),
    holdMs: 0,
  });
  const { agentsUrl, operatorsUrl, setupCode, recovered } = system;
  say({ agentsUrl, operatorsUrl, setupCode, recovered });
}

process.on('message', (message: Go | 'close') => {
  const work = message === 'close' ? (system?.close() ?? Promise.resolve()) : start(message);
  work.then(
    () => message === 'close' && process.exit(0),
    (error: unknown) => {
      say({ fault: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
// A killed process never gets to keep what it compiled.
flushCompileCache();
say({ loaded: true });
