import type { Bundle, Grant } from '../domain/bundle.ts';
import type { Config } from './config.ts';
import { nearest } from './names.ts';
import { compare } from './order.ts';
import { type ConfigProblem, problem } from './problems.ts';

/** Is this the beginning of names, with `*` at its end? */
export function isPattern(granted: string): boolean {
  return granted.endsWith('*');
}

/** Resources and prompts of a server are never meant by a pattern: they are granted by name. */
export function covers(pattern: string, tool: string): boolean {
  return tool.startsWith(pattern.slice(0, -1)) && !tool.includes('/');
}

export interface Granted {
  readonly grants: readonly Grant[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

/** The grants of a file, each for one tool that there is: patterns expanded, a tool granted by name left to that grant. */
export function grantedOf(config: Config, tools: Bundle['tools']): Granted {
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const names = Object.keys(tools);
  const grants = new Map<string, { grant: Grant; by: string }>();
  const put = (grant: Grant, by: string): void => {
    const key = `${grant.agent} ${grant.tool}`;
    const first = grants.get(key);
    if (first === undefined) grants.set(key, { grant, by });
    else if (isPattern(first.by)) {
      const message = `agent \`${grant.agent}\` is granted \`${grant.tool}\` twice, by \`${first.by}\` and by \`${by}\``;
      const help = 'keep one of the two, or name the tool in a grant of its own';
      problems.push(problem('CONFIG_INVALID', placeOf(config, grant.agent, by), message, help));
    }
  };
  for (const grant of config.grants) {
    if (isPattern(grant.tool)) continue;
    if (Object.hasOwn(tools, grant.tool)) put(grant, grant.tool);
    else problems.push(unknown(config, grant, names));
  }
  for (const grant of config.grants) {
    if (!isPattern(grant.tool)) continue;
    const meant = names.filter((name) => covers(grant.tool, name));
    for (const tool of meant) put({ ...grant, tool }, grant.tool);
    if (meant.length === 0)
      warnings.push(
        `${placeOf(config, grant.agent, grant.tool)} \`${grant.tool}\` is the beginning of no tool: it grants nothing`,
      );
  }
  return {
    grants: [...grants.values()].map(({ grant }) => grant).sort(inOrder),
    problems,
    warnings,
  };
}

function unknown(config: Config, { agent, tool }: Grant, names: readonly string[]): ConfigProblem {
  const meant = nearest(tool, names);
  const help =
    meant === null
      ? 'the tools of a server have the names under `serve.tools`, behind its `toolPrefix`'
      : `did you mean \`${meant}\`?`;
  const message = `there is no tool \`${tool}\``;
  return problem('CONFIG_INVALID', placeOf(config, agent, tool), message, help);
}

function placeOf(config: Config, agent: string, granted: string): string {
  return config.grantAt(agent, granted, 'tools');
}

function inOrder(a: Grant, b: Grant): number {
  return compare(a.agent, b.agent) || compare(a.tool, b.tool);
}
