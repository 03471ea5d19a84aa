/** Switches one control off in a copy of the sources and drills there: the target, or a probe, must tell. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCampaign } from './campaign.ts';
import { flawsIn } from './problems.ts';

interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

interface Control {
  readonly edits: readonly Edit[];
  /** Where it shows; in fair weather unless said. */
  readonly adversity?: string;
}

const WITHOUT: { readonly [control: string]: Control } = {
  /** A halt is written down, and nobody looks at it. */
  gate: {
    edits: [
      {
        file: 'src/domain/halt.ts',
        find: "return halts.find(({ scope, state }) => state !== 'lifted' && scopes.includes(scope));",
        replace: 'return halts.slice(0, 0).find(({ scope }) => scopes.includes(scope));',
      },
      {
        file: 'src/store/halted.ts',
        find: 'if (halts.length === 0) return false;',
        replace: 'if (halts.length >= 0) return false;',
      },
      {
        file: 'src/store/postgres/raising.ts',
        find: "return `agent = $1 OR ${above('agent')}`;",
        replace: "return '$1::text IS NULL';",
      },
    ],
  },
  /** What is in the air stays there. */
  abort: {
    edits: [
      {
        file: 'src/broker/bring-down.ts',
        find: '= broker.flights.abort(scope);',
        replace: '= { aborted: 0, sent: 0, landed: Promise.resolve(true as const) };',
      },
    ],
  },
  /** Credentials are said to be dead, and their source was never asked. */
  issuer: {
    edits: [
      {
        file: 'src/credentials/leases.ts',
        find: 'await issuer.revoke(lease, connection);',
        replace: 'if (connection !== null) return true;',
      },
    ],
  },
  /** Old knowledge counts as knowledge. */
  freshness: {
    adversity: 'partitioned',
    edits: [
      {
        file: 'src/broker/freshness.ts',
        find: 'return this.#store.alone || this.leftMs >= 0;',
        replace: 'return true;',
      },
    ],
  },
  /** The child is killed, and what it started is not. */
  'process-group': {
    edits: [
      {
        file: 'src/connectors/mcp/child.ts',
        find: 'process.kill(-pid, name);',
        replace: 'process.kill(pid, name);',
      },
      {
        file: 'src/connectors/mcp/child.ts',
        find: 'killKin(root, timers)',
        replace: 'Promise.resolve<readonly number[]>([])',
      },
    ],
  },
  /** What was asked or approved before the halt stands after it. */
  approvals: {
    edits: [
      {
        file: 'src/store/postgres/raising.ts',
        find: "WHERE state IN ('pending', 'approved') AND ${asked(kind)}",
        replace: 'WHERE false',
      },
    ],
  },
};

export const CONTROLS: readonly string[] = Object.keys(WITHOUT);
const PARTS = ['src', 'bin', 'package.json', 'tsconfig.json'];
const RUNS = 2;

export interface Without {
  readonly red: boolean;
  /** What turned it red. */
  readonly why: string;
}

export async function drillWithout(name: string, tell: (line: string) => void): Promise<Without> {
  const control = WITHOUT[name];
  if (control === undefined) throw new Error(`there is no control \`${name}\``);
  const root = join(import.meta.dirname, '../..');
  const copy = await mkdtemp(join(tmpdir(), 'signalbox-without-'));
  try {
    for (const part of PARTS) await cp(join(root, part), join(copy, part), { recursive: true });
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
    for (const edit of control.edits) await apply(copy, edit);
    const { adversity } = control;
    const report = await runCampaign(
      {
        sources: copy,
        runs: adversity === undefined ? RUNS : 1,
        adversities: adversity === undefined ? [] : [adversity],
      },
      (line) => tell(`  ${line}`),
    );
    const flaws = flawsIn(report);
    return { red: flaws.length > 0, why: flaws.length === 0 ? '' : `: ${flaws[0]}` };
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function apply(copy: string, { file, find, replace }: Edit): Promise<void> {
  const path = join(copy, file);
  const before = await readFile(path, 'utf8');
  if (before.split(find).length !== 2) throw new Error(`expected once in ${file}: ${find}`);
  await writeFile(
    path,
    before.replace(find, () => replace),
  );
}
