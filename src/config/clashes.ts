import type { Connection, Tool } from '../domain/bundle.ts';
import type { Config } from './config.ts';
import { pointer } from './meaning.ts';
import { silhouette } from './names.ts';
import { type ConfigProblem, problem } from './problems.ts';

const ANOTHER_PREFIX = 'give one of the two connections another `toolPrefix`';

/** A tool and where the file gives it. */
export interface Placed {
  readonly tool: Tool;
  readonly at: string;
}

/** Names that two systems give to two tools, or that readers would take for each other. */
export function clashes(placed: readonly Placed[]): {
  problems: ConfigProblem[];
  warnings: string[];
} {
  const seen = new Map<string, Placed>();
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  for (const each of placed) {
    const { name, connection } = each.tool;
    const key = silhouette(name);
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, each);
      continue;
    }
    const other = first.tool;
    if (other.name === name) {
      const message = `\`${name}\` is a tool of \`${other.connection}\` already`;
      problems.push(problem('CONFIG_INVALID', each.at, message, ANOTHER_PREFIX));
    } else if (other.connection === connection)
      warnings.push(
        `${each.at} \`${name}\` is easily taken for \`${other.name}\`; both are of \`${connection}\``,
      );
    else {
      const message = `\`${name}\` is easily taken for \`${other.name}\` of \`${other.connection}\``;
      problems.push(problem('CONFIG_INVALID', each.at, message, ANOTHER_PREFIX));
    }
  }
  return { problems, warnings };
}

/** URIs of two servers without a prefix: nobody could tell whose one is. */
export function uriClashes(config: Config): ConfigProblem[] {
  const open = Object.entries(config.serving).filter(
    ([, { resources, toolPrefix }]) => resources && toolPrefix === '',
  );
  const [first, ...others] = open.map(([name]) => name);
  return others.map((name) => {
    const at = config.at(pointer('connections', name, 'serve', 'resources'), 'key');
    const message = `the resources of \`${name}\` cannot be told from those of \`${first}\`: both have an empty \`toolPrefix\``;
    return problem('CONFIG_INVALID', at, message, 'give one of the two a `toolPrefix`');
  });
}

/**
 * Words of one server that name a tool of another one: how a tool is shadowed. A tool is known by the name that agents see
 * and by the one that its own server gives it.
 */
export function crossReferences(
  placed: readonly Placed[],
  connections: { readonly [name: string]: Connection },
  offered: ReadonlyMap<string, readonly string[]>,
): ConfigProblem[] {
  const telling = placed.flatMap(({ tool }) =>
    tool.offers !== undefined
      ? []
      : [tool.name, String(tool.binding.name ?? tool.name)]
          .filter((name) => /[-_.]/.test(name) && name.length >= 8)
          .map((name) => ({ name, tool })),
  );
  return placed.flatMap(({ tool, at }) => {
    if (connections[tool.connection]?.kind !== 'mcp' || tool.offers !== undefined) return [];
    const words = wordsOf(tool);
    const own = new Set([
      ...placed.flatMap((each) =>
        each.tool.connection === tool.connection ? [each.tool.name] : [],
      ),
      ...(offered.get(tool.connection) ?? []),
    ]);
    const other = telling.find(
      ({ name, tool: { connection } }) =>
        connection !== tool.connection && words.has(name) && !own.has(name),
    );
    if (other === undefined) return [];
    const message = `the words of \`${tool.name}\` speak of \`${other.name}\`, a tool of \`${other.tool.connection}\`: a server has nothing to say about another’s`;
    return [problem('TOOL_FORBIDDEN', at, message, LEAVE_OUT)];
  });
}

const LEAVE_OUT = 'read it; write `false` for it under `serve.tools`, or have its server mended';

/** Everything an agent would read of it, schema and all. */
function wordsOf({ description, inputSchema, listing = {} }: Tool): ReadonlySet<string> {
  const text = `${description} ${JSON.stringify(inputSchema)} ${JSON.stringify(listing)}`;
  return new Set(text.split(/[^A-Za-z0-9_.-]+/).map((word) => word.replace(/\.$/, '')));
}
