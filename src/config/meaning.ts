import { codePointName, hiddenCharacters } from '../boundary/text.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { pointerToken } from '../domain/pointer.ts';
import { isPattern } from './granted.ts';
import { isReserved, nearest, silhouette } from './names.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { looksRandom, secretShapes } from './secret-shapes.ts';
import { servableIn } from './servable.ts';
import { dotted, SECRET_HELP } from './shape.ts';
import type { Source } from './source.ts';

/** The members of a mapping; none when something else stands there, which the schema has already said. */
export function members(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

export function pointer(...parts: readonly (string | number)[]): string {
  return parts.map((part) => `/${pointerToken(String(part))}`).join('');
}

/** What no reader sees, and what nobody may write down: looked for in the text itself, comments included, and in values. */
export function textProblems(source: Source): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const { index, codePoint } of hiddenCharacters(source.text.replace(/^\ufeff/, ' ')))
    problems.push(hidden(source.atOffset(index), codePoint));
  for (const { index, what } of secretShapes(source.text))
    problems.push(secret(source.atOffset(index), what));
  for (const [place, text] of textsIn(source.value, '')) {
    const [first] = hiddenCharacters(text);
    // written as an escape, it is in the value only
    if (first !== undefined && !source.text.includes(String.fromCodePoint(first.codePoint)))
      problems.push(hidden(source.at(place), first.codePoint));
    const [shape] = secretShapes(text);
    if (shape !== undefined && secretShapes(source.text).length === 0)
      problems.push(secret(source.at(place), shape.what));
  }
  for (const [name, connection] of Object.entries(members(members(source.value).connections))) {
    const named = members(connection).secret;
    if (typeof named === 'string' && looksRandom(named))
      problems.push(
        secret(source.at(pointer('connections', name, 'secret')), 'a secret, not the name of one'),
      );
  }
  return problems;
}

function hidden(at: string, codePoint: number): ConfigProblem {
  return problem(
    'CONFIG_INVALID',
    at,
    `expected text that shows all it says, got the hidden character ${codePointName(codePoint)}`,
    'delete the character; retype the line if you cannot see it',
  );
}

function secret(at: string, what: string): ConfigProblem {
  return problem(
    'CONFIG_INVALID',
    at,
    `this looks like ${what}, and this file holds no secrets`,
    SECRET_HELP,
  );
}

function textsIn(value: Json, at: string): [string, string][] {
  if (typeof value === 'string') return [[at, value]];
  if (Array.isArray(value)) return value.flatMap((inner, i) => textsIn(inner, `${at}/${i}`));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]): [string, string][] => {
    const place = `${at}/${pointerToken(key)}`;
    return [[place, key], ...textsIn(inner, place)];
  });
}

/** Names that readers would take for each other, and names that are taken by the language. */
export function nameProblems(source: Source, root: JsonObject): ConfigProblem[] {
  return ['connections', 'tools', 'agents'].flatMap((section) => {
    const seen = new Map<string, string>();
    return Object.keys(members(root[section])).flatMap((name) => {
      const at = source.at(pointer(section, name), 'key');
      const other = seen.get(silhouette(name));
      if (other === undefined) seen.set(silhouette(name), name);
      if (isReserved(name))
        return [
          problem(
            'CONFIG_INVALID',
            at,
            `\`${name}\` is reserved by the language`,
            'choose another name',
          ),
        ];
      if (other === undefined) return [];
      const message = `\`${name}\` in \`${section}\` is easily taken for \`${other}\``;
      return [problem('CONFIG_INVALID', at, message, 'choose names that differ at a glance')];
    });
  });
}

/** Suggestions cost a comparison with every name: after this many faults they help nobody. */
const MAX_SUGGESTED = 100;

/** Every name that is referred to must exist. */
export function referenceProblems(source: Source, root: JsonObject): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const known = new Map(
    ['connections', 'agents', 'tools'].map((section) => [
      section,
      Object.keys(members(root[section])),
    ]),
  );
  const served = servableIn(root);
  const tools = new Set([...(known.get('tools') ?? []), ...served.names]);
  known.set('tools', [...tools]);
  const refer = (place: string, kind: string, name: Json | undefined, section: string): void => {
    if (typeof name !== 'string' || Object.hasOwn(members(root[section]), name)) return;
    if (section === 'tools' && (tools.has(name) || isPattern(name))) return;
    if (section === 'tools' && served.prefixes.some((prefix) => name.startsWith(prefix))) return;
    const names = known.get(section) ?? [];
    const meant = problems.length < MAX_SUGGESTED ? nearest(name, names) : null;
    const help =
      meant !== null
        ? `did you mean \`${meant}\`?`
        : section === 'tools' && name.includes('/')
          ? 'serve it: `resources: true` and `prompts: true` under `serve` of a connection of kind `mcp`'
          : `declare it under \`${section}\`, or use one of: ${names.slice(0, 20).join(', ') || 'none is declared'}`;
    const message = `\`${dotted(place)}\`: there is no ${kind} \`${dotted(`/${pointerToken(name)}`)}\``;
    problems.push(problem('CONFIG_INVALID', source.at(place), message, help));
  };
  for (const [name, tool] of Object.entries(members(root.tools)))
    refer(
      pointer('tools', name, 'connection'),
      'connection',
      members(tool).connection,
      'connections',
    );
  listOf(root.grants).forEach((grant, i) => {
    const { agent, tools } = members(grant);
    refer(pointer('grants', i, 'agent'), 'agent', agent, 'agents');
    listOf(tools).forEach((tool, j) => {
      refer(pointer('grants', i, 'tools', j), 'tool', tool, 'tools');
    });
  });
  return problems;
}

/** One grant per agent and tool, and no rung that a file cannot give. */
export function grantProblems(source: Source, root: JsonObject): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const seen = new Map<string, string>();
  listOf(root.grants).forEach((grant, i) => {
    const { agent, tools, rung } = members(grant);
    listOf(tools).forEach((tool, j) => {
      const place = source.at(pointer('grants', i, 'tools', j));
      const key = JSON.stringify([agent, tool]);
      const first = seen.get(key);
      if (first !== undefined)
        problems.push(
          problem(
            'CONFIG_INVALID',
            place,
            `agent \`${agent}\` is granted \`${tool}\` twice, first at ${first}`,
            'keep one of the two',
          ),
        );
      else seen.set(key, place.replace(/^.*?(\d+:\d+)$/, '$1'));
      if (rung !== 'auto' || typeof tool !== 'string') return;
      const changes = surelyChanges(members(members(root.tools)[tool]));
      if (changes !== null)
        problems.push(
          problem(
            'RUNG_NOT_EARNED',
            source.at(pointer('grants', i, 'rung')),
            `rung \`auto\` on \`${tool}\`, which is a \`${changes}\`: a file cannot make a change autonomous`,
          ),
        );
    });
  });
  return problems;
}

/** The class that the file alone shows, when it is more than a read. */
function surelyChanges(tool: JsonObject): string | null {
  const method = members(tool.http).method;
  if (tool.effect === 'destroy' || tool.recoveryPath === true || method === 'DELETE')
    return 'destroy';
  if (tool.effect === 'write') return 'write';
  return typeof method === 'string' && method !== 'GET' && method !== 'HEAD' ? 'write' : null;
}

export function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
