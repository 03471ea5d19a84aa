import type { Tool } from '../../domain/bundle.ts';
import type { Derived, Inspector } from '../../domain/connector.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { fixedWords } from '../../tools/argv.ts';
import { type CommandFinding, commandRisk } from '../../tools/recovery-argv.ts';
import { namedRecovery } from '../../tools/recovery-names.ts';
import { wordsOf } from '../../tools/recovery-words.ts';
import { Jail, PathFault } from './jail.ts';
import { openProgram, ProgramFault } from './program.ts';
import { type CommandTemplate, commandSettings, commandTemplate } from './settings.ts';

const MAX_CHOICES = 256;

/**
 * Looks at programs and directories on this machine, and pins the program by its digest. What a program does with its
 * words cannot be derived: the class is the operator’s word, `destroy` without one, and raised by what the words say.
 */
export function createCommandInspector(): Inspector {
  return {
    kind: 'command',
    async derive(draft, connection) {
      const template = templateOf(draft);
      const { program, sha256: wanted, directory } = commandSettings(connection);
      const sha256 = await pinned(program, wanted);
      await entered(directory);
      const finding = worst(draft, template, program);
      const recovery = finding?.recovery ?? namedRecovery(draft.name);
      const effect = recovery !== null || finding !== null ? 'destroy' : draft.effect;
      return {
        effect,
        recoveryPath: recovery !== null,
        idempotent: effect === 'read',
        binding: { ...draft.binding, sha256 },
        derivation: [
          `starts \`${program}\` (sha256 ${sha256.slice(0, 12)}…) in \`${directory}\``,
          ...(finding === null ? [] : [finding.because]),
          ...(recovery === null ? [] : [`\`${recovery}\` names a way to recover`]),
          `what it does is the operator’s word: \`${draft.effect}\``,
        ],
      } satisfies Derived;
    },
    async prepare() {},
  };
}

function templateOf(draft: Tool): CommandTemplate {
  try {
    return commandTemplate(draft);
  } catch (error) {
    throw new SignalboxError(
      'TOOL_STATEMENT',
      `the command cannot be read: ${(error as Error).message}`,
      { help: 'mend the template' },
    );
  }
}

async function pinned(program: string, wanted: string | null): Promise<string> {
  try {
    const found = await openProgram(program);
    await found.close();
    if (wanted !== null && wanted !== found.sha256)
      throw new SignalboxError(
        'TOOL_DRIFTED',
        `\`${program}\` has the SHA-256 \`${found.sha256}\`, and the file says \`${wanted}\``,
        { help: 'find out why the program is another one, then write its new digest' },
      );
    return found.sha256;
  } catch (error) {
    if (!(error instanceof ProgramFault)) throw error;
    throw new SignalboxError('TOOL_UNRESOLVED', error.message, {
      help: 'name a program that is installed here, by its whole path',
    });
  }
}

async function entered(directory: string): Promise<void> {
  try {
    const jail = await Jail.open(directory);
    await jail.close();
  } catch (error) {
    if (!(error instanceof PathFault)) throw error;
    throw new SignalboxError('TOOL_UNRESOLVED', error.message, {
      help: 'make the directory, or name another',
    });
  }
}

/** The worst that any choice of the agent makes of it. */
function worst(
  { inputSchema }: Tool,
  template: CommandTemplate,
  program: string,
): CommandFinding | null {
  const choices = choicesIn(inputSchema);
  const first = Object.fromEntries(
    [...choices].flatMap(([name, values]) => (values[0] === undefined ? [] : [[name, values[0]]])),
  );
  const about = [...choices.values()].flat().flatMap((value) => wordsOf(String(value)));
  let found: CommandFinding | null = null;
  for (const chosen of eachChoice(choices, first)) {
    const risk = commandRisk([program, ...fixedWords(template.argv, chosen)], about);
    if (risk?.recovery != null) return risk;
    found ??= risk;
  }
  return found;
}

/** One argument is turned through its values while the others stay. */
function eachChoice(
  choices: ReadonlyMap<string, readonly Json[]>,
  first: JsonObject,
): readonly JsonObject[] {
  const turned = [...choices].flatMap(([name, values]) =>
    values.map((value) => ({ ...first, [name]: value })),
  );
  return [first, ...turned].slice(0, MAX_CHOICES);
}

/** Arguments with a list of values, and numbers, which are never a word that means something. */
function choicesIn({ properties }: JsonObject): Map<string, readonly Json[]> {
  const found = new Map<string, readonly Json[]>();
  for (const [name, definition] of Object.entries(isJsonObject(properties) ? properties : {})) {
    if (!isJsonObject(definition)) continue;
    if (Array.isArray(definition.enum)) found.set(name, definition.enum as Json[]);
    else if (definition.type === 'integer' || definition.type === 'number') found.set(name, [0]);
    else if (definition.type === 'boolean') found.set(name, [true, false]);
  }
  return found;
}
