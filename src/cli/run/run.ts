import { DIMENSIONS } from '../../domain/effect.ts';
import { exposed, SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import { checkedUrl } from '../address.ts';
import { refuseChangedArtefacts } from '../artefact/check.ts';
import { openToAgent } from '../boundary.ts';
import { join, request } from '../client.ts';
import type { Call, Command } from '../command.ts';
import { readSecretFile } from '../home.ts';
import type { Io } from '../io.ts';
import { duration } from '../render.ts';

const DEFAULT_AGENTS_URL = 'http://127.0.0.1:4810';
/** A renewal is tried again this long after one that failed. */
const RETRY_MS = 5_000;

export const run: Command = {
  name: 'run',
  summary: 'run a command as one run of an agent: it gets a run token and the MCP address',
  usage: '--agent NAME --intent TEXT -- COMMAND …',
  positionals: [0, 0],
  passesRest: true,
  options: {
    agent: {
      type: 'string',
      value: 'NAME',
      summary: 'the agent whose secret `agent enrol --save` kept (or SIGNALBOX_AGENT_TOKEN_FILE)',
    },
    intent: {
      type: 'string',
      value: 'TEXT',
      summary: 'what this run is for; it is kept and shown to approvers',
    },
    budget: {
      type: 'string',
      value: 'LIMITS',
      summary: `this run’s own limits: calls=100,rowsDeleted=5 (${DIMENSIONS.join(', ')})`,
    },
    for: {
      type: 'string',
      value: 'USER',
      summary: 'the user on whose behalf it runs: it can do what both may',
    },
    tools: {
      type: 'string',
      value: 'NAMES',
      summary: 'the only tools it may use: get_customer,set_plan',
    },
    'agents-url': {
      type: 'string',
      value: 'URL',
      summary: 'the agents address (else SIGNALBOX_AGENTS_URL, else where it was enrolled)',
    },
  },
  run: async (call) => {
    const { io, options, rest } = call;
    if (typeof options.intent !== 'string' || options.intent.trim() === '')
      throw new SignalboxError('USAGE', 'expected `--intent "…"`: what this run is for');
    if (rest.length === 0) throw new SignalboxError('USAGE', 'expected a command after `--`');
    const budget = budgetOf(options.budget);
    const { url, token, parentToken } = await starter(call);
    const tools = typeof options.tools === 'string' ? options.tools.split(',') : undefined;
    await refuseChangedArtefacts(call.home, io.cwd);
    const open = await openToAgent(call);
    const warnings = open.map(
      (what) => `no secret boundary: this command runs as your user and can read ${what}`,
    );
    if (options.json !== true)
      for (const warning of warnings) io.err.write(`warning: ${warning}\n`);
    const begun = await request(io, {
      method: 'POST',
      url: join(url, '/v1/runs'),
      bearer: token,
      body: {
        ...{ intent: options.intent, budget },
        ...(tools === undefined ? {} : { tools: tools.map((name) => name.trim()) }),
        ...(parentToken === undefined ? {} : { parentToken }),
        ...(typeof options.for === 'string' ? { subject: options.for } : {}),
      },
    });
    return governed(call, url, begun, warnings);
  },
};

interface Begun {
  readonly id: string;
  readonly token: string;
  readonly base: string;
}

async function governed(
  call: Call,
  url: string,
  body: JsonObject,
  warnings: readonly string[],
): Promise<number> {
  const { io, options, rest } = call;
  const id = isJsonObject(body.run) ? String(body.run.id) : '';
  const begun = {
    id,
    token: String(body.token),
    base: join(url, `/v1/runs/${encodeURIComponent(id)}`),
  };
  const agent = isJsonObject(body.run) ? String(body.run.agent) : '';
  const began = io.doors.clock.monotonic();
  if (options.json !== true) io.err.write(`run ${id} of ${plain(agent)}\n`);
  const renewal = renewing(io, begun, Number(body.expiresAt));
  let why = 'its command could not be started';
  try {
    const end = await io.spawn(rest, childEnvironment(io, begun, String(body.mcpUrl)));
    why =
      end.signal === null
        ? `its command ended with ${end.code}`
        : `its command was ended by ${end.signal}`;
    const ms = Math.round(io.doors.clock.monotonic() - began);
    const summary = { run: id, agent, exit: end.code, signal: end.signal, ms, warnings };
    io.err.write(
      options.json === true
        ? `${JSON.stringify(summary)}\n`
        : `run ${id} over after ${duration(ms)}; \`signalbox run show ${id}\` tells what happened\n`,
    );
    return end.code;
  } catch (fault) {
    const code = fault instanceof Error && 'code' in fault ? String(fault.code) : 'unknown';
    throw new SignalboxError('USAGE', `\`${rest[0]}\` cannot be started (${code})`, {
      help: 'check the command after `--`',
    });
  } finally {
    renewal.stop();
    await end(io, begun, why);
  }
}

/** The run's own token and address, and nothing by which more than this run could be had. */
function childEnvironment(
  io: Io,
  { id, token }: Begun,
  mcpUrl: string,
): { readonly [name: string]: string | undefined } {
  const own = Object.entries(io.env).filter(([name]) => !name.startsWith('SIGNALBOX_'));
  return {
    ...Object.fromEntries(own),
    SIGNALBOX_RUN: id,
    SIGNALBOX_TOKEN: token,
    SIGNALBOX_MCP_URL: mcpUrl,
  };
}

interface Starter {
  readonly url: string;
  /** Of the agent, or of the run that this command runs in. */
  readonly token: string;
  /** Of the run above, when another agent begins under it. */
  readonly parentToken?: string;
}

/** Inside a run a run begins under it: by the run's own token, or by an agent's secret with that token beside. */
async function starter(call: Call): Promise<Starter> {
  const { io, options } = call;
  const { SIGNALBOX_TOKEN: parentToken, SIGNALBOX_MCP_URL: mcpUrl } = io.env;
  if (parentToken === undefined || mcpUrl === undefined) return agentSecret(call);
  const url = new URL(checkedUrl(mcpUrl)).origin;
  if (options.agent === undefined && io.env.SIGNALBOX_AGENT_TOKEN_FILE === undefined)
    return { url, token: parentToken };
  const secret = await agentSecret(call);
  // A token is sent to the address it was made for and nowhere else.
  if (new URL(secret.url).origin !== url)
    throw new SignalboxError(
      'TOKEN_AUDIENCE',
      `the run above is at \`${url}\`, and this agent was enrolled at \`${secret.url}\``,
    );
  return { ...secret, parentToken };
}

/** Of the agent that is named, or in the file that is. Throws USAGE, AGENT_UNKNOWN, TOKEN_AUDIENCE. */
export async function agentSecret(call: Call): Promise<{ url: string; token: string }> {
  const { io, home, options } = call;
  const named = options['agents-url'] ?? io.env.SIGNALBOX_AGENTS_URL;
  const file = io.env.SIGNALBOX_AGENT_TOKEN_FILE;
  const { agent } = options;
  if (typeof agent === 'string') {
    const known = await home.agent(agent);
    if (known !== null) {
      const url = checkedUrl(typeof named === 'string' ? named : known.url);
      // A secret is sent to the address it was made for and nowhere else.
      if (new URL(url).origin !== new URL(known.url).origin)
        throw new SignalboxError(
          'TOKEN_AUDIENCE',
          `\`${agent}\` was enrolled at \`${known.url}\`, not at \`${url}\``,
        );
      return { url, token: known.token };
    }
    if (file === undefined)
      throw new SignalboxError('AGENT_UNKNOWN', `no secret of \`${agent}\` is kept here`, {
        help: `\`signalbox agent enrol ${agent} --save\`, or name a file in SIGNALBOX_AGENT_TOKEN_FILE`,
      });
  }
  if (file === undefined)
    throw new SignalboxError('USAGE', 'expected `--agent NAME` or SIGNALBOX_AGENT_TOKEN_FILE');
  const url = checkedUrl(typeof named === 'string' ? named : DEFAULT_AGENTS_URL);
  return { url, token: await readSecretFile(io, file) };
}

/** `calls=100,rowsDeleted=5`. Throws USAGE. */
export function budgetOf(text: string | boolean | undefined): JsonObject {
  if (typeof text !== 'string') return {};
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [name = '', value = '', ...more] = part.split('=').map((side) => side.trim());
      if (
        !(DIMENSIONS as readonly string[]).includes(name) ||
        !/^\d{1,15}$/.test(value) ||
        more.length > 0
      )
        throw new SignalboxError(
          'USAGE',
          `expected limits such as \`calls=100,rowsDeleted=5\`, got \`${part}\``,
        );
      return [name, Number(value)];
    }),
  );
}

/** Renews the token at half of its remaining life. A refusal (a halt, the run's end) is said once; the command is left alone. */
function renewing(io: Io, begun: Begun, expiresAt: number): { stop(): void } {
  let stopped = false;
  let timer = { cancel: (): void => {} };
  const later = (ms: number): void => {
    if (!stopped) timer = io.doors.timers.after(ms, () => void renew());
  };
  const half = (until: number): number => Math.max(1_000, (until - io.doors.clock.now()) / 2);
  const renew = async (): Promise<void> => {
    try {
      const { token: bearer, base } = begun;
      const renewed = await request(io, {
        method: 'POST',
        url: `${base}/renew`,
        bearer,
        body: null,
        patienceMs: 10_000,
      });
      later(half(Number(renewed.expiresAt)));
    } catch (fault) {
      const error = exposed(fault);
      if (stopped) return;
      if (
        error.code === 'UNREACHABLE' ||
        error.code === 'STORE_DOWN' ||
        error.code === 'OVERLOADED'
      )
        return later(RETRY_MS);
      io.err.write(
        `${error.code}: ${plain(error.message)}; the command goes on, but nothing it asks for will run\n`,
      );
    }
  };
  later(half(expiresAt));
  return {
    stop: () => {
      stopped = true;
      timer.cancel();
    },
  };
}

/** The run ends with its process. When that cannot be said, its token ends by itself. */
async function end(io: Io, { token, base }: Begun, why: string): Promise<void> {
  try {
    await request(io, {
      method: 'POST',
      url: `${base}/end`,
      bearer: token,
      body: { why },
      patienceMs: 10_000,
    });
  } catch (fault) {
    const { code, message } = exposed(fault);
    if (code === 'RUN_OVER' || code === 'HALTED') return;
    io.err.write(
      `${code}: the end of the run could not be recorded (${plain(message)}); its token expires by itself\n`,
    );
  }
}
