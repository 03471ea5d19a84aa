import { basename } from 'node:path';
import type { ClientFile } from '../../clients/client-file.ts';
import { silhouette } from '../../config/names.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Call } from '../command.ts';
import { workspaceOf } from './gather.ts';
import { type Answering, grantedNames } from './offer.ts';
import type { Granting, Proposal } from './proposal.ts';

/** Which agent each table of servers becomes; a table is named by its keys as JSON. */
export interface Agents {
  readonly bySection: ReadonlyMap<string, string>;
  readonly owner: string;
  /** What the new entry is called in the client's file. */
  readonly entryName: string;
}

export interface Naming {
  readonly call: Call;
  readonly path: string;
  readonly proposal: Proposal;
  readonly status: JsonObject;
}

const NAME = /^[a-z][a-z0-9_-]{0,62}$/;

/** One agent for each table that a server of it was taken from. Throws USAGE. */
export function agentsFor(naming: Naming, file: ClientFile, servers: readonly Answering[]): Agents {
  const { call, path, proposal, status } = naming;
  const named = call.options.agent;
  if (typeof named === 'string' && !NAME.test(named))
    throw new SignalboxError(
      'USAGE',
      `expected a name of small letters, digits, \`_\` and \`-\`, got \`${named}\``,
    );
  const used = new Set<string>();
  const bySection = new Map<string, string>();
  for (const { taken } of servers) {
    const key = JSON.stringify(taken.found.section);
    if (bySection.has(key)) continue;
    const folder = taken.found.project ?? projectOf(path, call.io.home);
    const base =
      typeof named === 'string' ? named : file.client === 'other' ? 'agent' : file.client;
    const wanted =
      folder === null || (typeof named === 'string' && taken.found.project === null)
        ? base
        : `${base}-${plainName(folder)}`;
    const agent =
      typeof named === 'string' && !used.has(wanted)
        ? wanted
        : freeName(wanted, used, ours(file, key), proposal);
    used.add(agent);
    bySection.set(key, agent);
  }
  return { bySection, owner: ownerOf(call, status), entryName: entryNameOf(file) };
}

/** The agent that an earlier adoption wrote into this table. */
function ours(file: ClientFile, key: string): string | null {
  const section = file.sections.find(({ at }) => JSON.stringify(at) === key);
  const args = section?.servers.find(({ name }) => name === 'signalbox')?.value.args;
  const words = Array.isArray(args) ? args.map(String) : [];
  return words[words.indexOf('--or-agent') + 1] ?? null;
}

function freeName(
  wanted: string,
  used: ReadonlySet<string>,
  own: string | null,
  proposal: Proposal,
): string {
  if (own !== null && NAME.test(own) && !used.has(own)) return own;
  const known = [...used, ...Object.keys(proposal.members('agents'))].map(silhouette);
  const free = (name: string): boolean => !known.includes(silhouette(name));
  for (let i = 1; ; i++) {
    const name = i === 1 ? wanted : `${wanted}-${i}`;
    if (free(name)) return name;
  }
}

/** A file that stands in a project is for that project. */
function projectOf(path: string, home: string): string | null {
  const folder = workspaceOf(path, home);
  const own = /(?:^|\/)(?:\.mcp\.json|\.(?:cursor|vscode|gemini|codex)\/[^/]+)$/.test(path);
  return own && folder !== home ? folder : null;
}

function plainName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 30);
  return name === '' ? 'project' : name;
}

function ownerOf({ options }: Call, { operator }: JsonObject): string {
  if (typeof options.owner === 'string') return options.owner;
  const name = isJsonObject(operator) ? String(operator.name) : 'owner';
  return /^[^\s@]+@[^\s@]+$/.test(name) ? name : `${name.replaceAll(/[\s@]+/g, '.')}@localhost`;
}

function entryNameOf({ sections }: ClientFile): string {
  const foreign = sections.some(({ servers }) =>
    servers.some(
      ({ name, value }) =>
        name === 'signalbox' &&
        !JSON.stringify(value).includes('mcp-stdio') &&
        !JSON.stringify(value).includes('SIGNALBOX_'),
    ),
  );
  return foreign ? 'signalbox-gateway' : 'signalbox';
}

/**
 * What each agent is granted, on rung `approve`: reads run, everything else asks. A project's agent has the servers of
 * the user as well, since its client has only one entry of that name.
 */
export function grantingsOf(
  { bySection, owner }: Agents,
  servers: readonly Answering[],
  accepted: ReadonlySet<string>,
): Granting[] {
  return [...bySection].map(([key, agent]) => {
    const own = servers.filter(({ taken }) => {
      const section = JSON.stringify(taken.found.section);
      return section === key || (taken.found.project === null && key !== section);
    });
    const tools = own.flatMap((server) =>
      grantedNames(server, accepted.has(server.taken.connection)),
    );
    return { agent, owner, tools: [...new Set(tools)] };
  });
}

/** Its secret is kept where `mcp-stdio` and `run` look for it. */
export async function enrolled(
  { api, home }: Call,
  agent: string,
  agentsUrl: string,
): Promise<void> {
  const known = await home.agent(agent);
  if (known !== null && new URL(known.url).origin === new URL(agentsUrl).origin) return;
  const made = await api.post(`/api/agents/${encodeURIComponent(agent)}/enrol`, {});
  await home.saveAgent({ agent, url: String(made.url), token: String(made.token) });
}
