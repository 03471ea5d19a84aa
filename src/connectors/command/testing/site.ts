import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection, Tool } from '../../../domain/bundle.ts';
import { type Call, type Connector, NO_SINK } from '../../../domain/connector.ts';
import type { JsonObject } from '../../../domain/json.ts';
import type { ToolResult } from '../../../domain/proposal.ts';
import { realDoors } from '../../../doors.ts';
import { capFor } from '../../../tools/caps.ts';
import { pinned } from '../../../tools/pin.ts';
import { createCommandConnector } from '../connector.ts';
import { createCommandInspector } from '../inspector.ts';

/** Writes down what it was started with, then does what its first word says. */
const TELLER = `#!${process.execPath}
const { appendFileSync, readFileSync, writeFileSync } = require('node:fs');
const { spawn } = require('node:child_process');
const log = process.env.TOLD;
const words = process.argv.slice(2);
if (log) appendFileSync(log, JSON.stringify({ words, env: process.env, cwd: process.cwd() }) + '\\n');
const [what, ...rest] = words;
if (what === 'env') console.log(JSON.stringify(process.env));
else if (what === 'words') console.log(JSON.stringify(rest));
else if (what === 'read') process.stdout.write(readFileSync(rest.at(-1)));
else if (what === 'write') writeFileSync(rest[0], rest[1]);
else if (what === 'stdin') process.stdin.pipe(process.stdout);
else if (what === 'flood') for (;;) process.stdout.write('x'.repeat(65536));
else if (what === 'exit') { console.error('because of ' + (process.env.KEY ?? 'nothing')); process.exitCode = Number(rest[0]); }
else if (what === 'json') console.log(JSON.stringify({ items: [{ id: 1, secret: 'x' }, { id: 2 }], key: process.env.KEY }));
else if (what === 'sleep') {
  const script = "process.on('SIGTERM',()=>{});setInterval(()=>require('node:fs').appendFileSync(" + JSON.stringify(rest[0]) + ",'x'),20)";
  spawn(process.execPath, ['-e', script], { detached: true, stdio: 'ignore' }).unref();
  setInterval(() => {}, 1000);
}
`;

export interface CommandSite {
  readonly connector: Connector;
  /** The jail. */
  readonly directory: string;
  /** Beside the jail. */
  readonly outside: string;
  readonly program: string;
  /** What the program wrote down of its starts. */
  told(): Promise<JsonObject[]>;
  connection(settings?: JsonObject): Connection;
  tool(command: JsonObject, more?: Partial<Omit<Tool, 'digest'>>): Promise<Tool>;
  call(tool: Tool, input?: JsonObject, more?: Partial<Call>): Call;
  run(tool: Tool, input?: JsonObject, more?: Partial<Call>): Promise<ToolResult>;
  close(): Promise<void>;
}

export async function openSite(): Promise<CommandSite> {
  const home = await mkdtemp(join(tmpdir(), 'signalbox-command-'));
  const directory = join(home, 'jail');
  const outside = join(home, 'outside');
  await mkdir(directory);
  await mkdir(outside);
  const program = join(home, 'teller');
  await writeFile(program, TELLER);
  await chmod(program, 0o755);
  const log = join(home, 'told');
  const connector = createCommandConnector(realDoors());
  const inspector = createCommandInspector();
  const connection: CommandSite['connection'] = (settings = {}) => ({
    name: 'teller',
    kind: 'command',
    environment: 'production',
    settings: { program, directory, env: { TOLD: log }, secrets: {}, ...settings },
  });
  const call: CommandSite['call'] = (tool, input = {}, more = {}) => ({
    actionId: 'act_fixture',
    runId: 'run_fixture',
    tool,
    connection: connection(),
    arguments: input,
    continuation: null,
    credential: null,
    purpose: 'execute',
    signal: new AbortController().signal,
    ...more,
  });
  return {
    connector,
    directory,
    outside,
    program,
    async told() {
      const text = await readFile(log, 'utf8').catch(() => '');
      return text
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as JsonObject]));
    },
    connection,
    async tool(command, more = {}) {
      const effect = more.effect ?? 'read';
      const properties = Object.fromEntries(
        [...JSON.stringify(command).matchAll(/\{([a-z]+)\}/g)].map(([, name = '']) => [
          name,
          { type: 'string' },
        ]),
      );
      const draft = pinned({
        name: 'fixture',
        description: 'fixture',
        connection: 'teller',
        inputSchema: { type: 'object', additionalProperties: false, properties },
        effect,
        reversibility: 'none',
        idempotent: false,
        recoveryPath: false,
        cap: capFor(effect, 'none', {}),
        maxResultBytes: 64 * 1024,
        timeoutMs: 10_000,
        binding: { paths: {}, output: 'text', ...command },
        derivation: [],
        ...more,
      });
      const { digest: _, ...rest } = draft;
      const derived = await inspector.derive(draft, connection());
      return pinned({ ...rest, binding: derived.binding, derivation: derived.derivation });
    },
    call,
    run: async (tool, input, more) =>
      await (await connector.begin(call(tool, input, more), NO_SINK)).finish(),
    async close() {
      await connector.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
