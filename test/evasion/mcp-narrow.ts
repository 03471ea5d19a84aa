/** Narrowed tools of MCP servers, attacked by arguments of every spelling. The server's own record says what arrived. */
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isJsonObject, type JsonObject } from '../../src/domain/json.ts';
import { type Gateway, openGateway } from './gateway.ts';
import type { Case, Control, Group, Stand } from './group.ts';
import { MCP_CASES, MCP_CONTROLS, type McpCase, type McpControl } from './mcp/cases.ts';

const AGENT = 'support';
const SERVER = fileURLToPath(new URL('mcp/server.mjs', import.meta.url));
const FILES = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/server-filesystem/dist/index.js'),
);

interface Ground {
  readonly home: string;
  readonly notes: string;
  readonly record: string;
}

export const mcpNarrow: Group = {
  name: 'mcp-narrow',
  async open(): Promise<Stand> {
    const home = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-narrow-')));
    const ground: Ground = { home, notes: join(home, 'notes'), record: join(home, 'record') };
    await mkdir(ground.notes);
    await writeFile(ground.record, '');
    const gateway = await openGateway({
      config: configFor(ground),
      agent: AGENT,
      secrets: {},
      inspect: ['tracker', 'files'],
    });
    return {
      cases: MCP_CASES.map((one) => caseOf(one, ground, gateway)),
      controls: MCP_CONTROLS.map((one) => controlOf(one, gateway)),
      async close() {
        await gateway.close();
        await rm(home, { recursive: true, force: true });
      },
    };
  },
};

/** The real server of the project for files; for the rest one that takes whatever it is given. */
function configFor({ home, notes, record }: Ground): string {
  return `version: 1
organisation: { name: acme }
loops: off
connections:
  tracker:
    kind: mcp
    environment: staging
    command: [${process.execPath}, ${SERVER}, ${record}]
    toolPrefix: ''
    serve:
      tools:
        issue:
          of: open_issue
          effect: write
          fix: { repo: acme/site, /options/notify: false }
          hide: [draft, /options/assignee, "/labels/*/colour"]
          idempotent: { key: request }
          project: ["/people/*/name"]
          maxItems: 2
          narrow:
            title: { pattern: "[a-z ]+", maxLength: 40 }
            count: { minimum: 1, maximum: 10 }
            labels: { maxItems: 3, optional: true }
            "/labels/*/name": { enum: [bug, docs] }
        people: { of: query, effect: read, project: ["/people/*/id", "/people/*/name"], maxItems: 2 }
  files:
    kind: mcp
    environment: staging
    command: [${process.execPath}, ${FILES}, ${home}]
    cwd: ${notes}
    toolPrefix: ''
    serve:
      tools:
        note: { of: write_file, effect: write, narrow: { path: { pattern: "[a-z0-9-]+\\\\.md" } } }
agents: { ${AGENT}: { owner: dana@acme.example } }
grants:
  - { agent: ${AGENT}, tools: [issue, people, note], rung: approve }
`;
}

async function callsIn({ record }: Ground): Promise<readonly string[]> {
  return (await readFile(record, 'utf8')).split('\n').filter((line) => line !== '');
}

/** Everything in which one request is not what was left of the tool. */
function strange(line: string): string[] {
  const { name, arguments: sent } = (JSON.parse(line) as { params: JsonObject }).params;
  if (name !== 'open_issue' || !isJsonObject(sent)) return [];
  const { repo, title, labels, options, count, request, ...others } = sent;
  const { notify, note: _, ...beside } = isJsonObject(options) ? options : {};
  const list = Array.isArray(labels) ? labels : [];
  return [
    ...(repo === 'acme/site' ? [] : [`repo ${JSON.stringify(repo)}`]),
    ...(typeof title === 'string' && /^[a-z ]{1,40}$/.test(title) ? [] : [`title ${title}`]),
    ...(typeof count === 'number' && count >= 1 && count <= 10 ? [] : [`count ${count}`]),
    ...(notify === false ? [] : [`notify ${JSON.stringify(notify)}`]),
    ...(/^[0-9a-f]{32}$/.test(String(request)) ? [] : [`request ${request}`]),
    ...(labels === undefined || (Array.isArray(labels) && list.length <= 3) ? [] : ['labels']),
    ...list
      .filter((one) => !isJsonObject(one) || Object.keys(one).join() !== 'name')
      .map((one) => `label ${JSON.stringify(one)}`),
    ...list
      .filter((one) => isJsonObject(one) && !['bug', 'docs'].includes(String(one.name)))
      .map((one) => `label ${JSON.stringify(one)}`),
    ...[...Object.keys(others), ...Object.keys(beside)].map((member) => `an argument ${member}`),
    ...((line.match(/"repo"/g) ?? []).length === 1 ? [] : ['a name said twice']),
  ];
}

function caseOf({ name, tool, args }: McpCase, ground: Ground, gateway: Gateway): Case {
  return {
    name: `${tool}: ${name}`,
    async attempt() {
      const before = (await callsIn(ground)).length;
      const { whole } = await gateway.callText(tool, args);
      const arrived = (await callsIn(ground)).slice(before);
      const outside = (await readdir(ground.home)).filter(
        (file) => file !== 'notes' && file !== 'record',
      );
      const notes = (await readdir(ground.notes)).filter((file) => !/^[a-z0-9-]+\.md$/.test(file));
      return [
        ...arrived.flatMap(strange),
        ...(whole.includes('CANARY') ? ['what was left out of results came out'] : []),
        ...(/person [34]/.test(whole) ? ['more rows came out than are handed on'] : []),
        ...(whole.includes('acme/site') && !args.includes('acme/site')
          ? ['an answer tells what was fixed']
          : []),
        ...[...outside, ...notes].map((file) => `a file ${file}`),
      ];
    },
  };
}

function controlOf({ name, tool, args, answer }: McpControl, gateway: Gateway): Control {
  return {
    name: `${tool}: ${name}`,
    async attempt() {
      const { said, whole } = await gateway.call(tool, args);
      if (said.kind !== 'done') return `it was ${JSON.stringify(said)}`;
      return whole.includes(answer) ? null : `it answered ${whole.slice(0, 200)}`;
    },
  };
}
