/** Switches one control off in a copy of the sources and runs the campaign there: its own figure must turn red. */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isJsonObject, type JsonObject } from '../../src/domain/json.ts';
import type { Figures } from './figures.ts';

interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

interface Control {
  /** What must be noticed. */
  readonly figure: keyof Figures;
  readonly edits: readonly Edit[];
}

const ACT = 'src/broker/act.ts';
const MARK = 'if (!(await recordMark(broker, intent, aloft, flight))) {';

const WITHOUT: { readonly [control: string]: Control } = {
  /** The effect first, the intent after it. */
  intent: {
    figure: 'effectsWithoutIntent',
    edits: [
      {
        file: ACT,
        find: "if (!(await recordIntent(broker, intent))) return 'again'; // 4.",
        replace: '// 4.',
      },
      { file: ACT, find: MARK, replace: 'if (aloft.finishing) {' },
      {
        file: ACT,
        find: 'const result = await flight.finish();\n    return await settle(',
        replace:
          'const result = await flight.finish();\n    await recordIntent(broker, intent);\n    return await settle(',
      },
    ],
  },
  /** Nothing durable says that the effect is about to happen, or by what name the target knows it. */
  mark: {
    figure: 'effectAfterFailed',
    edits: [{ file: ACT, find: MARK, replace: 'if (aloft.finishing) {' }],
  },
  /** The target is not asked; what has no outcome is said to have failed. */
  probe: {
    figure: 'effectAfterFailed',
    edits: [
      {
        file: 'src/broker/recover.ts',
        find: 'switch (answer) {\n',
        replace: "switch ('failed' as ProbeAnswer) {\n",
      },
    ],
  },
  /** What a crash left open stays open. */
  recovery: {
    figure: 'leakedReservations',
    edits: [
      {
        file: 'src/broker/recover.ts',
        find: 'of all)',
        replace: 'of all.slice(1e9))',
      },
    ],
  },
};

const ROOT = join(import.meta.dirname, '../..');
const PARTS = ['src', 'test', 'scripts', 'examples', 'package.json', 'tsconfig.json'];

export interface Without {
  readonly control: string;
  readonly figure: string;
  readonly red: boolean;
  readonly report: JsonObject;
}

/** `args` go to the campaign. */
export async function runWithout(name: string, args: readonly string[]): Promise<Without> {
  const control = Object.hasOwn(WITHOUT, name) ? WITHOUT[name] : undefined;
  if (control === undefined)
    throw new Error(`expected ${Object.keys(WITHOUT).join(', ')} to go without, got \`${name}\``);
  const copy = await mkdtemp(join(tmpdir(), 'signalbox-without-'));
  try {
    for (const part of PARTS) await cp(join(ROOT, part), join(copy, part), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    for (const edit of control.edits) await apply(copy, edit);
    const report = await campaignIn(copy, args);
    return {
      control: name,
      figure: control.figure,
      red: Number(report[control.figure]) > 0,
      report,
    };
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

async function campaignIn(copy: string, args: readonly string[]): Promise<JsonObject> {
  const child = spawn(process.execPath, [join(copy, 'test/crash/run.ts'), '--json', ...args], {
    cwd: copy,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const report: unknown = JSON.parse(await text(child.stdout));
  if (!isJsonObject(report)) throw new Error('the campaign printed no report');
  return report;
}
