import type { Bundle, User } from '../domain/bundle.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import type { Config } from './config.ts';
import { covers, isPattern } from './granted.ts';
import { listOf, members, pointer } from './meaning.ts';
import { GRANTED_NAME, NAME, nearest } from './names.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { closed, table, text } from './schema-parts.ts';
import type { Source } from './source.ts';

/** A user as an identity provider names one: an id or an e-mail address, in lower case. */
const USER_NAME = '^[a-z0-9][a-z0-9._@+-]{0,126}$';

const names = (description: string, of: JsonObject): JsonObject => ({
  type: 'array',
  maxItems: 1_000,
  uniqueItems: true,
  default: [],
  items: of,
  description,
});
const toolNames = names(
  'Names of tools; `files_*` for every tool whose name begins so',
  text('Name of a tool', { pattern: GRANTED_NAME, maxLength: 200 }),
);

/** `users` and `groups` of the file: humans on whose behalf agents act, and what they may use. */
export const USERS_SCHEMA: JsonObject = {
  groups: table(
    'What several users may use',
    NAME,
    500,
    closed('One group', ['tools'], { tools: toolNames }),
  ),
  users: table(
    'Humans on whose behalf agents act. A run on behalf of one can do what both may',
    USER_NAME,
    10_000,
    closed('One user', [], {
      groups: names('Names of groups', text('Name of a group', { pattern: NAME })),
      tools: toolNames,
    }),
  ),
};

/** `subjects` of an agent. */
export const SUBJECTS_SCHEMA: JsonObject = names(
  'Users that it is trusted to name as those it acts for; `*` for all of them',
  text('Name of a user, or `*`', { maxLength: 127, pattern: `^\\*$|${USER_NAME}` }),
);

/** As written, groups taken in and patterns kept; null without any. */
export function declaredUsers(root: JsonObject): { readonly [name: string]: User } | null {
  if (root.users === undefined) return null;
  const groups = members(root.groups);
  const toolsOf = (value: Json | undefined): string[] => listOf(members(value).tools).map(String);
  return Object.fromEntries(
    Object.entries(members(root.users)).map(([name, value]) => {
      const through = listOf(members(value).groups).flatMap((group) =>
        toolsOf(groups[String(group)]),
      );
      const tools = [...new Set([...toolsOf(value), ...through])].sort();
      return [name, { name, tools }];
    }),
  );
}

export function userProblems(source: Source, root: JsonObject): ConfigProblem[] {
  const groups = members(root.groups);
  const users = members(root.users);
  const problems: ConfigProblem[] = [];
  const refer = (place: string, what: string, name: Json, known: JsonObject): void => {
    if (typeof name !== 'string' || name === '*' || Object.hasOwn(known, name)) return;
    const meant = nearest(name, Object.keys(known));
    const help = meant === null ? `describe it under \`${what}s\`` : `did you mean \`${meant}\`?`;
    problems.push(
      problem('CONFIG_INVALID', source.at(place), `there is no ${what} \`${name}\``, help),
    );
  };
  for (const [user, value] of Object.entries(users))
    for (const [i, group] of listOf(members(value).groups).entries())
      refer(pointer('users', user, 'groups', i), 'group', group, groups);
  for (const [agent, value] of Object.entries(members(root.agents)))
    for (const [i, user] of listOf(members(value).subjects).entries())
      refer(pointer('agents', agent, 'subjects', i), 'user', user, users);
  return problems;
}

/** With patterns worked out: a tool that comes later is nobody's before the next `apply`. */
export function usersOf(
  config: Config,
  tools: Bundle['tools'],
): { readonly users: Bundle['users']; readonly warnings: readonly string[] } {
  if (config.users === null) return { users: undefined, warnings: [] };
  const known = Object.keys(tools);
  const warnings: string[] = [];
  const users = Object.values(config.users).map((user): User => {
    const may = user.tools.flatMap((named) => {
      const meant = isPattern(named)
        ? known.filter((tool) => covers(named, tool))
        : known.filter((tool) => tool === named);
      if (meant.length === 0) warnings.push(`user \`${user.name}\`: there is no tool \`${named}\``);
      return meant;
    });
    return { name: user.name, tools: [...new Set(may)].sort() };
  });
  return { users: Object.fromEntries(users.map((user) => [user.name, user])), warnings };
}

/** What a change of users gives, in words: each tool that one may use more. */
export function userWidens(name: string, before: Bundle, after: Bundle): string[] {
  const tools = ({ users = {} }: Bundle): readonly string[] =>
    Object.hasOwn(users, name) ? (users[name]?.tools ?? []) : [];
  const had = new Set(tools(before));
  const more = tools(after).filter((tool) => !had.has(tool));
  if (more.length === 0) return [];
  const list = more.map((tool) => `\`${tool}\``).join(', ');
  return [`on behalf of user \`${name}\` agents may use ${list}`];
}
