/** Signalbox, started in this process and set up from outside, the way a user does it. */
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import * as path from 'node:path';
import { parseDocument } from 'yaml';
import { startSystem } from '../../src/system.ts';
import { signalbox } from './command-line.ts';
import { firstOwner, type Operator } from './operator.ts';
import type { World } from './world.ts';

export interface Running {
  readonly operator: Operator;
  readonly operatorsUrl: string;
  readonly agentsUrl: string;
  /** SIGNALBOX_HOME of the story. */
  readonly home: string;
  /** The configuration with the real addresses in it. */
  readonly config: string;
  /** Values that no agent may ever see. */
  readonly secrets: readonly string[];
}

export interface SetupGround {
  readonly world: World;
  readonly folder: string;
  readonly config: string;
  readonly ports: { readonly agents: number; readonly operators: number };
  readonly started: { add(end: () => Promise<void> | void): void };
}

const HOST = '127.0.0.1';
export const OWNER = 'olga';

export async function startSignalbox(ground: SetupGround): Promise<Running> {
  const { world, folder, ports } = ground;
  const { acme, production } = world;
  // The commands of the story get a home of their own: the user's is left alone.
  const home = path.join(folder, 'home');
  fs.mkdirSync(home, { mode: 0o700 });
  const log = fs.openSync(path.join(folder, 'signalbox.log'), 'a', 0o600);
  ground.started.add(() => fs.closeSync(log));
  const starting = startSystem({
    directory: path.join(home, 'data'),
    agents: { host: HOST, port: await portOr(ports.agents) },
    operators: { host: HOST, port: await portOr(ports.operators) },
    log: (line) => void fs.writeSync(log, `${line}\n`),
  });
  ground.started.add(() =>
    starting.then(
      (system) => system.close(),
      () => {},
    ),
  );
  const system = await starting;
  const { agentsUrl, operatorsUrl, setupCode } = system;
  if (setupCode === null) throw new Error('Signalbox gave no setup code');
  const operator = await firstOwner(operatorsUrl, setupCode, OWNER);
  await operator.setSecret('acme-db-broker', acme.broker.password);
  await operator.setSecret('volumes-token', production.volumes.token);
  const config = path.join(folder, 'signalbox.yaml');
  fs.writeFileSync(config, withAddresses(fs.readFileSync(ground.config, 'utf8'), world));
  await operator.planAndApply(fs.readFileSync(config, 'utf8'), config);
  await signalbox(home, ['login', '--key-stdin', '--url', operatorsUrl], operator.key);
  const enrol = (agent: string) => signalbox(home, ['agent', 'enrol', agent, '--save']);
  await Promise.all(['support', 'finance'].map(enrol));
  const passwords = [acme.broker.password, world.postgres.password];
  const secrets = [...passwords, production.volumes.token, operator.key];
  return { operator, operatorsUrl, agentsUrl, home, config, secrets };
}

/** The file says where acme's servers usually are; here they are where they found a free port. */
function withAddresses(text: string, { postgres, production }: World): string {
  const document = parseDocument(text);
  document.setIn(['connections', 'acme-db', 'port'], postgres.port);
  document.setIn(['connections', 'volumes', 'url'], production.volumes.url);
  return document.toString();
}

/** The preferred port, or 0 for any free one. */
function portOr(port: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(0));
    probe.listen(port, HOST, () => probe.close(() => resolve(port)));
  });
}
