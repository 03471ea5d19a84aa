import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';
import { type Acme, copyAcme, createAcme } from '../../examples/acme/schema.ts';
import { newToken, startVolumes, type Volumes } from '../../examples/acme/volumes.ts';
import { attachDatabase } from '../../examples/acme/volumes-database.ts';
import type { Doors } from '../../src/domain/doors.ts';
import { realDoors } from '../../src/doors.ts';
import { type System, startSystem } from '../../src/system.ts';
import type { Scenario } from './scenario.ts';
import { type Servers, startServers } from './servers.ts';

/** acme's production, real parts only: started once, copied for every scenario. */
export interface Company {
  readonly postgres: AcmePostgres;
  readonly acme: Acme;
  stop(): Promise<void>;
}

/** One scenario's world: a database and volume service of its own, and a Signalbox in front with a clock that stands. */
export interface World {
  readonly system: System;
  readonly postgres: AcmePostgres;
  readonly database: string;
  readonly volumes: Volumes;
  readonly servers: Servers;
  /** The text with the addresses of this world in it. */
  fill(text: string): string;
  readonly clock: StandingClock;
  stop(): Promise<void>;
}

/** Wall time stands still until a step moves it; durations are real. */
export interface StandingClock {
  now: number;
}

export async function startCompany(): Promise<Company> {
  const postgres = await startPostgres({ durable: false });
  const acme = await createAcme(postgres);
  return { postgres, acme, stop: () => postgres.stop('immediate') };
}

let worlds = 0;

export async function startWorld(
  company: Company,
  { now, config = 'fixtures/acme.yaml', configuration, servers: scripts = {} }: Scenario,
  folder: string,
): Promise<World> {
  const { postgres, acme } = company;
  const database = `acme_${++worlds}`;
  await copyAcme(postgres, database);
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-scenario-'));
  const token = newToken();
  const volumes = await startVolumes({
    directory: join(directory, 'volumes'),
    token,
    attachment: attachDatabase(postgres.url, database, database),
  });
  await volumes.createBackup('nightly');
  const clock = { now: Date.parse(now) };
  const system = await startSystem({
    directory: join(directory, 'signalbox'),
    agents: { host: '127.0.0.1', port: 0 },
    operators: { host: '127.0.0.1', port: 0 },
    log: () => {},
    doors: standing(clock),
    holdMs: 0,
  });
  await system.secrets.put('acme-db-broker', acme.broker.password, 'scenario');
  await system.secrets.put('volumes-token', token, 'scenario');
  const servers = await startServers(scripts);
  const configPath = join(folder, config);
  const values = {
    'postgres.host': postgres.host,
    'postgres.port': String(postgres.port),
    'postgres.database': database,
    'volumes.url': volumes.url,
    ...Object.fromEntries(
      Object.keys(scripts).map((name) => [`servers.${name}`, servers.urlOf(name)]),
    ),
  };
  const filled = (text: string): string => fill(text, values);
  const text =
    configuration === undefined
      ? await readFile(configPath, 'utf8')
      : stringify(configuration, { aliasDuplicateObjects: false });
  const stop = async (): Promise<void> => {
    await system.close();
    await servers.close();
    await volumes.stop();
    await rm(directory, { recursive: true, force: true });
    await postgres.query(`drop database ${database} with (force)`);
  };
  try {
    const plan = await system.plan(filled(text), configPath, Object.keys(scripts));
    await system.apply(plan, { name: 'scenario', role: 'owner' });
  } catch (error) {
    await stop();
    throw error;
  }
  return { system, postgres, database, volumes, servers, fill: filled, clock, stop };
}

function standing(clock: StandingClock): Doors {
  const doors = realDoors();
  return { ...doors, clock: { now: () => clock.now, monotonic: doors.clock.monotonic } };
}

function fill(text: string, values: { readonly [name: string]: string }): string {
  return text.replaceAll(/\$\{([a-z.]+)\}/g, (whole, name: string) => values[name] ?? whole);
}
