import { type Redact, redactorFor } from '../../boundary/redact.ts';
import type { Tool } from '../../domain/bundle.ts';
import {
  type Call,
  type Connector,
  ConnectorFailure,
  type Flight,
} from '../../domain/connector.ts';
import type { Doors } from '../../domain/doors.ts';
import type { HaltScope } from '../../domain/halt.ts';
import type { JsonObject } from '../../domain/json.ts';
import { fillArgv } from '../../tools/argv.ts';
import { argument, fillJson } from '../../tools/template.ts';
import { answerOf } from './answer.ts';
import { Jail, PathFault } from './jail.ts';
import { openProgram, type Program, ProgramFault } from './program.ts';
import { Running, type Start } from './running.ts';
import {
  type CommandSettings,
  type CommandTemplate,
  commandSettings,
  commandTemplate,
} from './settings.ts';

/** Commands at once; more are refused. */
const MAX_RUNNING = 32;
const MAX_STDIN = 1024 * 1024;
/** How much JSON is read in order to hand on parts of it. */
const MAX_PROJECTED = 4 * 1024 * 1024;

interface Flown {
  readonly call: Call;
  readonly running: Running;
}

/**
 * Starts programs: a fixed one with fixed arguments but for the values the agent gives, without a shell, in a directory,
 * with the environment that is written down and no other. What a command did cannot be taken back, so nothing is started
 * before `finish`; a preview shows that it could be.
 */
export function createCommandConnector(doors: Doors): Connector {
  const flown = new Set<Flown>();
  const templates = new WeakMap<Tool, CommandTemplate>();
  const templateOf = (tool: Tool): CommandTemplate => {
    const template = templates.get(tool) ?? commandTemplate(tool);
    templates.set(tool, template);
    return template;
  };
  const within = (scope: HaltScope, runs: ReadonlySet<string>): Flown[] =>
    [...flown].filter(
      ({ call }) =>
        scope === 'all' ||
        scope === `connection:${call.connection.name}` ||
        scope === `tool:${call.tool.name}` ||
        runs.has(call.runId),
    );
  return {
    kind: 'command',
    async begin(call: Call): Promise<Flight> {
      if (flown.size >= MAX_RUNNING)
        throw refused(`${MAX_RUNNING} commands are running`, 'OVERLOADED');
      const template = templateOf(call.tool);
      const settings = commandSettings(call.connection);
      // what can be refused is refused before anything is recorded as begun
      await (await prepared(call, template, settings, doors)).close();
      return {
        measured: null,
        trace: null,
        async finish() {
          if (call.purpose === 'preview') throw refused('a preview is never started');
          return await ran(call, template, settings, doors, flown);
        },
        cancel: async () => {},
      };
    },
    /** Whether a process that is gone did its work only its target knows. */
    async probe({ tool }) {
      return tool.effect === 'read' ? 'failed' : 'unknown';
    },
    async release(runId) {
      await Promise.all([...flown].filter(({ call }) => call.runId === runId).map(killed));
    },
    async cut(scope, runs) {
      return (await Promise.all(within(scope, runs).map(killed))).flat();
    },
    children: (scope, runs) => within(scope, runs).length,
    async close() {
      await Promise.all([...flown].map(killed));
    },
  };
}

async function killed({ call, running }: Flown): Promise<string[]> {
  return (await running.kill()).map((pid) => `process ${pid} of \`${call.connection.name}\``);
}

/** What is needed to start, opened and checked. */
interface Prepared {
  readonly start: Start;
  close(): Promise<void>;
}

async function prepared(
  call: Call,
  template: CommandTemplate,
  settings: CommandSettings,
  doors: Doors,
): Promise<Prepared> {
  const env = environmentOf(call, settings);
  const stdin = stdinOf(template, call.arguments);
  let program: Program | null = null;
  let jail: Jail | null = null;
  const close = async (): Promise<void> => {
    await Promise.all([program?.close(), jail?.close()]);
  };
  try {
    program = await openProgram(settings.program);
    const wanted = template.sha256 ?? settings.sha256;
    if (wanted === null || program.sha256 !== wanted)
      throw refused(
        `\`${settings.program}\` is no longer the program that was accepted`,
        'TOOL_CHANGED',
      );
    jail = await Jail.open(settings.directory);
    const { texts, descriptors } = await pathsOf(jail, template, call.arguments);
    const start: Start = {
      exec: program.exec,
      name: settings.program,
      args: fillArgv(template.argv, call.arguments, texts),
      cwd: jail.cwd,
      env,
      mark: doors.entropy.id('child'),
      descriptors,
      stdin,
    };
    return { start, close };
  } catch (error) {
    await close();
    if (error instanceof ConnectorFailure) throw error;
    if (error instanceof TypeError || error instanceof PathFault || error instanceof ProgramFault)
      throw refused(`the command cannot be made: ${error.message}`);
    throw refused('the command cannot be made: its paths changed while they were looked at');
  }
}

async function pathsOf(
  jail: Jail,
  { paths }: CommandTemplate,
  input: JsonObject,
): Promise<{ texts: Map<string, string>; descriptors: number[] }> {
  const texts = new Map<string, string>();
  const descriptors: number[] = [];
  for (const [name, use] of paths) {
    const value = argument(input, name);
    if (value === undefined || value === null) continue;
    const { text, file } = await jail.resolve(name, String(value), use);
    texts.set(name, text);
    if (file !== undefined) descriptors.push(file.fd);
  }
  return { texts, descriptors };
}

async function ran(
  call: Call,
  template: CommandTemplate,
  settings: CommandSettings,
  doors: Doors,
  flown: Set<Flown>,
) {
  // again: what was looked at when it began may have been swapped since
  const { start, close } = await prepared(call, template, settings, doors);
  let one: Flown | null = null;
  try {
    if (call.signal.aborted)
      throw refused('the call was aborted before it was started', 'CONNECTOR_ABORTED');
    const { tool } = call;
    const running = new Running(start, {
      timers: doors.timers,
      timeoutMs: tool.timeoutMs,
      maxBytes: template.parts === null ? tool.maxResultBytes : MAX_PROJECTED,
      signal: call.signal,
    });
    one = { call, running };
    flown.add(one);
    return answerOf(await running.over, call, template, redactorOf(call));
  } finally {
    if (one !== null) flown.delete(one);
    await close();
  }
}

function environmentOf(
  { connection, credential }: Call,
  { env, secrets }: CommandSettings,
): Record<string, string> {
  const values = credential?.kind === 'environment' ? credential.values : {};
  for (const name of secrets)
    if (!Object.hasOwn(values, name))
      throw refused(
        `there is no secret for \`${name}\` of \`${connection.name}\``,
        'CREDENTIAL_FAILED',
      );
  return { ...env, ...values };
}

function stdinOf({ stdin }: CommandTemplate, input: JsonObject): string | null {
  if (stdin === null) return null;
  const value = fillJson(stdin, input);
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (Buffer.byteLength(text) > MAX_STDIN)
    throw refused(`the arguments make an input of more than ${MAX_STDIN} bytes`);
  return text;
}

function redactorOf({ credential }: Call): Redact {
  return credential?.kind === 'environment'
    ? redactorFor(Object.values(credential.values))
    : (text) => text;
}

function refused(message: string, code = 'CONNECTOR_REFUSED'): ConnectorFailure {
  return new ConnectorFailure(code, message, 'none');
}
