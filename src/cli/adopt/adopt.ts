import { basename, resolve } from 'node:path';
import { changedText } from '../../clients/read.ts';
import type { Catalogue } from '../../domain/connector.ts';
import { EFFECT_CLASSES, type EffectClass } from '../../domain/effect.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Answer, Call, Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import { count } from '../render.ts';
import { type Agents, agentsFor, enrolled, grantingsOf } from './agents.ts';
import { applied, type Setting } from './applied.ts';
import { httpEntry, stdioEntry } from './client-entry.ts';
import { Decisions } from './decisions.ts';
import type { Left } from './found.ts';
import { clientFileIn, configTextAt, type Gathered, gathered } from './gather.ts';
import { type Answering, offered, servingOf } from './offer.ts';
import { Proposal } from './proposal.ts';
import { Records, readClient, sha256, writeWhole } from './records.ts';
import { acceptQuestion, toldBefore, toldLeft, toldTools } from './told.ts';

export const adopt: Command = {
  name: 'adopt',
  summary:
    'take over the MCP servers of an agent client: its file then names Signalbox instead of them',
  usage: 'FILE',
  positionals: [1, 1],
  options: {
    client: {
      type: 'string',
      value: 'NAME',
      summary:
        'whose file it is, where its name does not say: claude-code, claude-desktop, cursor, vscode, codex, gemini, other',
    },
    agent: {
      type: 'string',
      value: 'NAME',
      summary: 'the agent that this client is (else named after the client)',
    },
    owner: { type: 'string', value: 'EMAIL', summary: 'the human who answers for a new agent' },
    config: {
      type: 'string',
      value: 'FILE',
      summary: 'the file that is extended and applied (signalbox.yaml)',
    },
    accept: {
      type: 'string',
      value: 'NAMES',
      summary: 'take the proposed classes of these servers, `all` (with --yes) or `none`',
    },
    class: {
      type: 'string',
      value: 'CLASSES',
      summary: 'your own word for some tools: files.write_file=write,thinking.think=read',
    },
    inputs: {
      type: 'string',
      value: 'FILE',
      summary: 'a file (0600) with what the client would ask for, as a JSON object',
    },
    via: {
      type: 'string',
      value: 'HOW',
      summary:
        'what is written for the client: `stdio` (a program, usual) or `http` (an address, for `signalbox run`)',
    },
    'no-apply': {
      type: 'boolean',
      summary: 'only write the proposal; nothing is applied and the client keeps its file',
    },
    yes: {
      type: 'boolean',
      short: 'y',
      summary: 'do not ask: start and call its servers, accept, apply; what was decided is listed',
    },
  },
  run: async (call) => adopted(call),
};

async function adopted(call: Call): Promise<Answer> {
  const { io, options, positionals, style } = call;
  const [name = ''] = positionals;
  const path = resolve(io.cwd, name);
  const client = await readClient(path);
  const file = clientFileIn(client.bytes, path, options.client);
  const configName = typeof options.config === 'string' ? options.config : 'signalbox.yaml';
  const configPath = resolve(io.cwd, configName);
  const text = await configTextAt(configPath);
  const status = await call.api.get('/api/status');
  if (text === null && status.bundle !== 'none')
    throw new SignalboxError(
      'CONFIG_MISSING',
      `something is applied already, and there is no \`${configName}\` to extend`,
      {
        help: 'name the file that was applied with `--config`: applying a new one would take everything else away',
      },
    );
  const proposal = new Proposal(text, configName);
  const setting: Setting = {
    call,
    path,
    configName,
    configPath,
    proposal,
    status,
    client,
    decisions: new Decisions(call),
  };
  const found = await gathered(call, path, file, proposal, namesIn(status.connections));
  if (found.taken.length === 0) return nothingTaken(path, found);
  const answering = await looked(setting, found);
  const left = [...found.left, ...answering.left];
  if (answering.servers.length === 0) return nothingTaken(path, { ...found, left });
  const accepted = await acceptances(setting, answering.servers);
  const agents = agentsFor(setting, found.file, answering.servers);
  for (const server of answering.servers)
    if (!Object.hasOwn(members(proposal.members('connections')[server.taken.connection]), 'serve'))
      proposal.serve(
        server.taken.connection,
        servingOf(server, accepted.has(server.taken.connection)),
      );
  for (const granting of grantingsOf(agents, answering.servers, accepted)) proposal.grant(granting);
  await writeWhole(io, configPath, Buffer.from(proposal.text), 0o644);
  const story = { setting, found, agents, left, servers: answering.servers, accepted };
  if (options['no-apply'] === true) return told(story, null);
  await applied(setting, answering.servers);
  for (const agent of new Set(agents.bySection.values()))
    await enrolled(call, agent, String(status.agentsUrl));
  const backup = await rewritten(story);
  const answer = told(story, backup);
  return { ...answer, text: `${style.strong(`${basename(path)} is taken over`)}\n${answer.text}` };
}

function nothingTaken(path: string, { left, file }: Gathered): Answer {
  return {
    json: {
      file: path,
      client: file.client,
      servers: leftJson(left),
      decisions: [],
      applied: false,
    },
    text:
      left.length === 0
        ? 'there is no server in it that is not Signalbox already'
        : toldLeft(left).join('\n'),
    exit: left.length === 0 ? EXIT.ok.code : EXIT.failed.code,
  };
}

/** Stores the secrets and has every server asked what it offers; the answer of each, or why there is none. */
async function looked(
  { call, decisions, proposal, configName }: Setting,
  { taken, left }: Gathered,
): Promise<{ servers: Answering[]; left: Left[] }> {
  const secrets = new Map(
    taken.flatMap((one) => one.secrets.map((secret) => [secret.name, secret.value] as const)),
  );
  await decisions.must(
    {
      kind: 'look',
      servers: taken.map(({ connection }) => connection),
      secrets: [...secrets.keys()],
    },
    toldBefore(taken, left),
    `Store ${count(secrets.size, 'secret')}, and start or call ${count(taken.length, 'server')} to see what they offer?`,
  );
  for (const [name, value] of secrets)
    await call.api.post(`/api/secrets/${encodeURIComponent(name)}`, { value });
  const before = proposal.text;
  for (const { connection, value } of taken)
    if (!proposal.holds(connection, value)) proposal.connection(connection, value);
  const names = [...new Set(taken.map(({ connection }) => connection))];
  const { servers } = await call.api.post('/api/look', {
    text: proposal.text,
    path: configName,
    servers: names.join(','),
  });
  const classes = classesOf(call);
  const answers = isJsonObject(servers) ? servers : {};
  const found: Answering[] = [];
  const silent: Left[] = [];
  for (const one of taken) {
    const { catalogue, fault } = members(answers[one.connection]);
    if (isJsonObject(catalogue))
      found.push(offered(one, catalogue as unknown as Catalogue, classes));
    else
      silent.push({
        found: one.found,
        why: String(members(fault).message ?? 'it gave no answer'),
        fix: one.found.entry.sse ? OLDER : String(members(fault).fix ?? ''),
      });
  }
  const answering = new Set(found.map(({ taken: { connection } }) => connection));
  const untouched = new Proposal(before, configName);
  for (const name of names)
    if (!answering.has(name) && !Object.hasOwn(untouched.members('connections'), name))
      proposal.forget(name);
  return { servers: found, left: silent };
}

const OLDER =
  'its file says `sse`, the transport of before 2025, which Signalbox does not speak: write its newer address, often the same with `/mcp`';

/** `--class files.write_file=write`. Throws USAGE. */
function classesOf({ options }: Call): Map<string, EffectClass> {
  const given = typeof options.class === 'string' ? options.class.split(',') : [];
  return new Map(
    given.map((part) => {
      const [, tool, effect] = /^\s*([^=\s]+\.[^=\s]+)\s*=\s*(\w+)\s*$/.exec(part) ?? [];
      if (tool === undefined || !(EFFECT_CLASSES as readonly string[]).includes(effect ?? ''))
        throw new SignalboxError(
          'USAGE',
          `expected \`server.tool=${EFFECT_CLASSES.join('|')}\`, got \`${part}\``,
        );
      return [tool, effect as EffectClass];
    }),
  );
}

/** The servers whose proposed classes a human takes; those of the others stay `destroy`. */
async function acceptances(
  { call, decisions, proposal }: Setting,
  servers: readonly Answering[],
): Promise<Set<string>> {
  const { accept, yes } = call.options;
  const named = typeof accept === 'string' ? accept.split(',').map((name) => name.trim()) : null;
  const accepted = new Set<string>();
  const asked = new Set<string>();
  for (const server of servers) {
    const { connection } = server.taken;
    if (asked.has(connection)) continue;
    asked.add(connection);
    if (Object.hasOwn(members(proposal.members('connections')[connection]), 'serve')) {
      accepted.add(connection);
      continue;
    }
    const classes = Object.fromEntries(server.tools.map(({ name, proposed }) => [name, proposed]));
    const preset =
      named !== null
        ? named.includes('all') || named.includes(connection)
        : yes === true
          ? true
          : null;
    const decision = { kind: 'accept', server: connection, classes } as const;
    const told = toldTools(server, call.style);
    if (await decisions.may(decision, told, acceptQuestion(server), preset))
      accepted.add(connection);
  }
  return accepted;
}

interface Story {
  readonly setting: Setting;
  readonly found: Gathered;
  readonly agents: Agents;
  readonly servers: readonly Answering[];
  readonly left: readonly Left[];
  readonly accepted: ReadonlySet<string>;
}

/** Keeps every byte of the file aside, then writes the new one. */
async function rewritten({ setting, found, agents, servers }: Story): Promise<string> {
  const { call, path, client, status } = setting;
  const { io, home, options } = call;
  const mcpUrl = `${String(status.agentsUrl)}/mcp`;
  const replacements = [...agents.bySection].map(([section, agent]) => {
    const at = JSON.parse(section) as string[];
    const entering = { client: found.file.client, agent, mcpUrl };
    const remove = servers
      .filter(({ taken }) => JSON.stringify(taken.found.section) === section)
      .map(({ taken }) => taken.found.name);
    const value = options.via === 'http' ? httpEntry(entering) : stdioEntry(io, entering);
    return { section: at, remove: new Set(remove), put: { name: agents.entryName, value } };
  });
  const text = changedText(found.file, replacements);
  const now = await readClient(path);
  if (!now.bytes.equals(client.bytes))
    throw new SignalboxError('CLIENT_CHANGED', `\`${path}\` was changed while it was taken over`, {
      help: 'adopt it again',
    });
  const bytes = Buffer.from(text);
  const backup = await new Records(io, home, client.place).add({
    ...{ file: client.place, at: io.doors.clock.now(), mode: client.mode },
    before: client.bytes.toString('base64'),
    after: sha256(bytes),
    servers: servers.map(({ taken }) => taken.found.name),
    agents: [...new Set(agents.bySection.values())],
  });
  await writeWhole(io, client.place, bytes, client.mode);
  return backup;
}

function told(
  { setting, found, agents, servers, left, accepted }: Story,
  backup: string | null,
): Answer {
  const { path, decisions, configName } = setting;
  const adoptedServers = servers.map(({ taken, tools, catalogue }) => ({
    name: taken.found.name,
    state: backup === null ? 'proposed' : 'adopted',
    connection: taken.connection,
    project: taken.found.project,
    server: { ...catalogue.server },
    package: taken.package,
    secrets: taken.secrets.map(({ name }) => name),
    notes: [...taken.notes],
    tools: tools.map(({ name, labels, proposed, without }) => ({
      name,
      served: without === null,
      ...(without === null ? {} : { why: without }),
      effect: accepted.has(taken.connection) ? proposed : 'destroy',
      proposed,
      labels: { ...labels },
    })),
  }));
  const json = {
    file: path,
    client: found.file.client,
    config: setting.configPath,
    agents: [...new Set(agents.bySection.values())],
    entry: agents.entryName,
    servers: [...adoptedServers, ...leftJson(left)],
    decisions: decisions.made,
    applied: backup !== null,
    backup,
  } as unknown as JsonObject;
  const lines = [
    ...servers.map(
      ({ taken, tools }) =>
        `${plain(taken.found.name)}: ${count(tools.filter(({ without }) => without === null).length, 'tool')} as ${taken.connection}_…`,
    ),
    ...toldLeft(left),
    backup === null
      ? `${configName} is the proposal: \`signalbox plan ${configName}\`; adopt again to go on`
      : `what it held is kept; \`signalbox eject ${basename(path)}\` gives it back`,
  ];
  return { json, text: lines.join('\n') };
}

function leftJson(left: readonly Left[]): JsonObject[] {
  return left.map(({ found, why, fix }) => ({
    name: found.name,
    state: 'left',
    why,
    fix,
    tools: [],
  }));
}

function members(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function namesIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
