/**
 * npm start: the first minute.
 *
 *   node examples/nine-seconds/start.ts [--exit] [--json] [--config FILE]
 *     [--agents-port N] [--operators-port N]
 *
 * Part one lets an agent loose on a scratch copy of acme's production. Part two sends the same agent
 * through Signalbox to production itself. Then the control plane stays up, unless `--exit`.
 * `--json` tells the story on stderr and prints one object on stdout; it implies `--exit`.
 * The exit code is 0 only when every step found what it expected.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { duration, messageOf, Story } from './story.ts';
import { throughSignalbox } from './through.ts';
import { whatToTry } from './try.ts';
import { withoutSignalbox } from './without.ts';
import { startWorld, writeWorkspace } from './world.ts';

const CONFIG = fileURLToPath(new URL('./signalbox.yaml', import.meta.url));

interface Wanted {
  readonly exit: boolean;
  readonly json: boolean;
  readonly config: string;
  /** Preferred ports; any free one is taken when they are in use. */
  readonly ports: { readonly agents: number; readonly operators: number };
}

function wanted(args: readonly string[]): Wanted {
  const { values } = parseArgs({
    args: [...args],
    options: {
      exit: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      config: { type: 'string', default: CONFIG },
      'agents-port': { type: 'string', default: '4810' },
      'operators-port': { type: 'string', default: '4811' },
    },
  });
  const port = (name: 'agents-port' | 'operators-port'): number => {
    const number = Number(values[name]);
    if (Number.isInteger(number) && number >= 0 && number < 65_536) return number;
    throw new Error(`expected \`--${name}\` to be a port, got \`${values[name]}\``);
  };
  return {
    exit: values.exit || values.json,
    json: values.json,
    config: path.resolve(values.config),
    ports: { agents: port('agents-port'), operators: port('operators-port') },
  };
}

/** What was started, ended in reverse order; each end is tried whatever became of the others. */
class Started {
  readonly #ends: (() => Promise<void> | void)[] = [];

  add(end: () => Promise<void> | void): void {
    this.#ends.push(end);
  }

  async end(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) {
      try {
        await end();
      } catch (error) {
        console.error(`while stopping: ${messageOf(error)}`);
      }
    }
  }
}

async function main(): Promise<number> {
  const began = performance.now();
  const asked = wanted(process.argv.slice(2));
  const out = asked.json ? process.stderr : process.stdout;
  const story = new Story({
    write: (text) => out.write(text),
    progress,
    colour: out.isTTY === true && (process.env.NO_COLOR ?? '') === '',
  });
  const started = new Started();
  const stopped = stopSignal();
  try {
    const told = tell(story, started, asked, began);
    const stay = await Promise.race([told, stopped]);
    if (typeof stay === 'string') return 130;
    if (!asked.exit) {
      for (const line of stay) story.line(line);
      await stopped;
      process.stderr.write('\nstopping\n');
    }
  } catch (error) {
    process.stderr.write(`npm start: ${messageOf(error)}\n`);
    if (story.steps.length === 0) return 1;
  } finally {
    await started.end();
  }
  if (asked.json) {
    const told = `${JSON.stringify({ ok: story.ok, story: story.steps })}\n`;
    await new Promise((resolve) => process.stdout.write(told, resolve));
  }
  return story.ok ? 0 : 1;
}

/** A line that goes away again on a terminal, and a plain one elsewhere. */
function progress(text: string | null): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text ?? ''}`);
  else if (text !== null) process.stderr.write(`${text}\n`);
}

/** Tells the whole story; answers with what there is to try afterwards. */
async function tell(
  story: Story,
  started: Started,
  asked: Wanted,
  began: number,
): Promise<readonly string[]> {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'signalbox-first-minute-'));
  started.add(() => fs.rmSync(folder, { recursive: true, force: true }));
  const starting = startWorld(folder);
  // Also when Ctrl-C comes in the middle of it.
  started.add(() =>
    starting.then(
      (world) => world.stop(),
      () => {},
    ),
  );
  const world = await story.waiting('starting a real PostgreSQL and two volume services', starting);
  story.line(
    'An AI agent, a real PostgreSQL and a volume service that holds its volume and backups.',
  );
  const workspace = writeWorkspace(folder, world);
  await withoutSignalbox(story, world, workspace);
  const running = await throughSignalbox({ ...asked, story, world, workspace, folder, started });
  story.end();
  const right = story.steps.filter(({ ok }) => ok).length;
  const took = duration(performance.now() - began);
  story.line();
  story.line(`${right} of ${story.steps.length} steps as expected, in ${took}`);
  return whatToTry(running);
}

/** The first signal ends the story in order; the second one at once. */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let heard = false;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        if (heard) process.exit(130);
        heard = true;
        resolve(signal);
      });
  });
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`npm start: ${messageOf(error)}\n`);
    process.exit(1);
  },
);
