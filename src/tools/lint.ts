import type { Tool } from '../domain/bundle.ts';
import { type Argument, argumentsIn, isFreeText, kindOf } from './classify/arguments.ts';
import { RUNNING } from './classify/words.ts';
import { singleWords } from './recovery-words.ts';

/** A tool that can do more than anybody could mean to grant, and what would narrow it. */
export interface LintFinding {
  readonly tool: string;
  readonly rule:
    | 'runs-what-it-is-given'
    | 'calls-any-address'
    | 'writes-anywhere'
    | 'named-for-everything';
  /** The argument that it hangs on; null: its name. */
  readonly argument: string | null;
  readonly says: string;
  readonly fix: string;
}

type Linted = Pick<Tool, 'name' | 'effect' | 'inputSchema' | 'binding' | 'offers'>;

const STATEMENTS = new Set(['query', 'sql', 'statement']);
const DATABASES = new Set(
  'sql query database db postgres mysql sqlite bigquery snowflake mongo cypher graphql'.split(' '),
);

/**
 * God-mode tools: “run SQL” is not a tool. Statements and requests of our own are fixed and take values, so only what a
 * stranger's program or a command is handed is looked at.
 */
export function lintTool(tool: Linted): LintFinding[] {
  if (tool.offers !== undefined || isFixed(tool)) return [];
  const words = singleWords(String(tool.binding.name ?? tool.name));
  const found = argumentsIn(tool.inputSchema).flatMap((argument) =>
    lintArgument(tool, words, argument),
  );
  const runs = words.find((word) => RUNNING.has(word) && word !== 'invoke' && word !== 'compile');
  if (found.length > 0 || runs === undefined || tool.effect === 'read') return found;
  return [
    {
      ...{ tool: tool.name, rule: 'named-for-everything', argument: null },
      says: `its name says \`${runs}\`: what it may do is left to its caller`,
      fix: 'serve narrow tools of the same system instead, or leave it out with `false`',
    },
  ];
}

function isFixed({ binding }: Linted): boolean {
  return binding.mcp === undefined && binding.command === undefined && binding.argv === undefined;
}

function lintArgument(tool: Linted, words: readonly string[], argument: Argument): LintFinding[] {
  if (!isFreeText(argument)) return [];
  const place = { tool: tool.name, argument: argument.path };
  const aboutData = words.some((word) => DATABASES.has(word) || RUNNING.has(word));
  if (
    kindOf(argument, true) === 'code' ||
    (aboutData && STATEMENTS.has(argument.name.toLowerCase()))
  )
    return [
      {
        ...{ ...place, rule: 'runs-what-it-is-given' },
        says: `\`${argument.path}\` takes any text, and what it says is run`,
        fix: 'write one tool for each thing that is wanted (`sql`, `http`), or leave it out with `false`',
      },
    ];
  if (/^(?:url|uri|href|link|webhook|endpoint)s?$/i.test(argument.name))
    return [
      {
        ...{ ...place, rule: 'calls-any-address' },
        says: `\`${argument.path}\` takes any address: what the agent knows can leave by it`,
        fix: 'write an `http` tool with a fixed host, or leave it out with `false`',
      },
    ];
  const writes =
    tool.effect !== 'read' &&
    /^(?:file_?)?(?:path|paths|file|filename|destination|directory)$/i.test(argument.name);
  if (!writes) return [];
  return [
    {
      ...{ ...place, rule: 'writes-anywhere' },
      says: `\`${argument.path}\` takes any place, as far as its server lets it`,
      fix: 'start its server with one folder, and read what it says it allows; keep it on rung `approve`',
    },
  ];
}

/** What nobody can mean to grant, as opposed to what wants a second look. */
export function isGodMode({ rule }: LintFinding): boolean {
  return rule !== 'writes-anywhere';
}
