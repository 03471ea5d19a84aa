/** What is drilled: replicas that share a PostgreSQL store, an operator, and a configuration applied. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';
import type { Limits } from '../../src/domain/bundle.ts';
import { claimOperator, type Operator } from '../crash/operator.ts';
import { type Canary, startCanary } from './canary.ts';
import { BYSTANDER, configText, VICTIM } from './config.ts';
import { Replica } from './replica.ts';
import { SilentProxy } from './silent-proxy.ts';

export interface Deployment {
  readonly canary: Canary;
  readonly store: AcmePostgres;
  readonly replicas: readonly Replica[];
  /** Starts a replica again behind a network that can fall silent: what goes through it costs both cores, so only who needs it. */
  behindNetwork(replica: number): Promise<SilentProxy>;
  readonly operator: Operator;
  readonly secrets: { readonly victim: string; readonly bystander: string };
  /** Where each data directory is, for reading the ledger afterwards. */
  readonly directory: string;
  readonly storeUrl: string;
  agentsUrl(replica: number): string;
  operatorsUrl(replica: number): string;
  stop(): Promise<void>;
}

export interface Plan {
  readonly folder: string;
  readonly sources: string;
  readonly replicas: number;
  readonly limits?: Limits;
}

const STORE = 'signalbox';

/** Everything up; the first replica is the one that the operator was claimed at. */
export async function deploy({
  folder,
  sources,
  replicas: count,
  limits,
}: Plan): Promise<Deployment> {
  const home = join(folder, 'home');
  await mkdir(home, { recursive: true });
  const [canary, store] = await Promise.all([startCanary(folder), startPostgres()]);
  const replicas: Replica[] = [];
  const networks: SilentProxy[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(replicas.map((replica) => replica.close()));
    await Promise.all(networks.map((network) => network.close()));
    await canary.stop();
    await store.stop('immediate');
  };
  try {
    await store.createDatabase(STORE);
    const passwordFile = join(folder, 'store-password');
    await writeFile(passwordFile, store.password, { mode: 0o600 });
    const wordsFor = (port: number): string[] => [
      ...['--store', urlOf(store, port), '--store-password-file', passwordFile],
    ];
    const open = async (n: number): Promise<Replica> => {
      const directory = join(folder, `replica-${n}`);
      // replicas of one deployment share the key that seals secrets and payloads
      if (n > 0) {
        await mkdir(directory, { mode: 0o700 });
        await copyFile(join(folder, 'replica-0', 'master.key'), join(directory, 'master.key'));
      }
      const words = wordsFor(store.port);
      const replica = new Replica({ sources, directory, home, words });
      replicas.push(replica);
      await replica.up();
      return replica;
    };
    // a replica that starts before there is an operator ends the setup code of the one before it
    const { at: first } = await open(0);
    const operator = await claimOperator(first.operatorsUrl, first.setupCode ?? '');
    await operator.secret(first.operatorsUrl, 'db-broker', canary.broker.password);
    const inspect = ['stdio-victim', 'stdio-other'];
    await operator.planAndApply(first.operatorsUrl, configText(canary, limits), inspect);
    for (let n = 1; n < count; n++) await open(n);
    const at = (n: number): Replica => replicas[n % replicas.length] ?? fail(n);
    return {
      canary,
      store,
      replicas,
      async behindNetwork(n) {
        const network = await SilentProxy.open(store.host, store.port);
        networks.push(network);
        await at(n).close();
        await at(n).up(wordsFor(network.port));
        return network;
      },
      operator,
      secrets: {
        victim: await operator.enrol(first.operatorsUrl, VICTIM),
        bystander: await operator.enrol(first.operatorsUrl, BYSTANDER),
      },
      directory: join(folder, 'replica-0'),
      storeUrl: urlOf(store, store.port),
      agentsUrl: (n) => at(n).at.agentsUrl,
      operatorsUrl: (n) => at(n).at.operatorsUrl,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function urlOf(store: AcmePostgres, port: number): string {
  const url = new URL(store.url);
  url.port = String(port);
  url.password = '';
  url.pathname = `/${STORE}`;
  return url.href;
}

function fail(replica: number): never {
  throw new Error(`there is no replica ${replica}`);
}
