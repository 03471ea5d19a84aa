import { withHiddenShown } from '../boundary/text.ts';
import type { Connection, Tool } from '../domain/bundle.ts';
import type { Catalogue, Derived } from '../domain/connector.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { isOutward } from '../domain/outward.ts';
import { capFor } from '../tools/caps.ts';
import { foreignSchema } from '../tools/foreign.ts';
import { pinned } from '../tools/pin.ts';
import { foreignRecovery } from '../tools/recovery-arguments.ts';
import type { Config, ServedTool, Serving } from './config.ts';
import { type Definition, definitionOf, wordsShown } from './definition.ts';
import { pointer } from './meaning.ts';
import { unknownArguments } from './meaning-lineage.ts';
import { isReserved, nearest, TOOL_NAME } from './names.ts';
import { promptsOf, resourcesOf } from './offers.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { misnamed, narrowed, type ServedAs, servedAs, unservedOf } from './served-as.ts';

/** A tool of a server, as the operator accepts it and before the server's inspector has looked at it. */
export interface Draft {
  readonly tool: Tool;
  /** Its key in the file, or its server's name where `*` takes it. */
  readonly as: string;
  readonly how: ServedTool;
  readonly connection: Connection;
  /** As it is shown to its inspector: with the very words of its server. */
  readonly asDefined: Tool;
  /** Where the file gives it: by name, or by `*`. */
  readonly at: string;
}

/** What a server's catalogue and a file make together. */
export interface Expanded {
  readonly drafts: readonly Draft[];
  /** Its resources and prompts, finished. */
  readonly offers: readonly Tool[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

const MAX_TOOLS = 1_000;
const MAX_PROMPTS = 500;
const MAX_TOLD = 20;

export function expand(
  connection: Connection,
  serving: Serving,
  catalogue: Catalogue,
  config: Config,
): Expanded {
  const place = pointer('connections', connection.name, 'serve');
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const drafts: Draft[] = [];
  const seen = new Set<string>();
  if (catalogue.tools.length > MAX_TOOLS) {
    const message = `\`${connection.name}\` offers ${catalogue.tools.length} tools, at most ${MAX_TOOLS}`;
    problems.push(problem('TOOL_FORBIDDEN', config.at(place, 'key'), message));
  }
  for (const definition of catalogue.tools.slice(0, MAX_TOOLS)) {
    const upstream = String(definition.name);
    for (const served of servedAs(upstream, serving).names) {
      const at = config.at(`${place}${pointer('tools', served.named)}`, 'key');
      const fault = (message: string, help?: string): void => {
        const words = `\`${shownName(upstream)}\` of \`${connection.name}\`: ${message}`;
        problems.push(problem('TOOL_FORBIDDEN', at, words, help ?? LEAVE_OUT));
      };
      const name = serving.toolPrefix + served.as;
      if (seen.has(upstream)) fault('its server lists it twice');
      else if (!FITS.test(name) || isReserved(name))
        fault(
          `\`${shownName(name)}\` cannot be the name of a tool`,
          'names are a letter, then up to 127 letters, digits, `_`, `.` and `-`; `toolPrefix` stands before them, and `false` leaves one out',
        );
      else
        try {
          const draft = draftOf(definition, name, upstream, served, connection);
          const { tool } = draft;
          const { description = '', inputSchema } = definition;
          const asDefined = { ...tool, description, inputSchema } as Tool;
          drafts.push({ tool, asDefined, as: served.as, how: served.how, connection, at });
          const { lineage } = served.how;
          const [absent] = lineage === null ? [] : unknownArguments(lineage, tool.inputSchema);
          if (absent !== undefined)
            fault(`it has no argument \`${absent}\``, 'name one of those in its schema');
          warnings.push(...draft.warnings.map((words) => `${at} ${words}`));
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          fault(error.message);
        }
    }
    seen.add(upstream);
  }
  const unserved = unservedOf(catalogue, serving).map(shownName);
  problems.push(...missing(connection, serving, catalogue, config));
  if (unserved.length > 0)
    warnings.push(
      `${config.at(place, 'key')} \`${connection.name}\` offers more than is served: ${list(unserved)}`,
    );
  const offers = offersOf(connection, serving, catalogue, config, problems, warnings);
  return { drafts, offers, problems, warnings };
}

const FITS = new RegExp(TOOL_NAME);
const LEAVE_OUT = 'write `false` for it under `serve.tools`, or have its server mended';

function missing(
  connection: Connection,
  serving: Serving,
  catalogue: Catalogue,
  config: Config,
): ConfigProblem[] {
  const offered = catalogue.tools.map(({ name }) => String(name));
  return [...serving.tools].flatMap(([name, how]) => {
    const fault = misnamed(name, how, offered);
    if (fault === null) return [];
    const at = config.at(pointer('connections', connection.name, 'serve', 'tools', name), 'key');
    const meant = fault.wanted === '' ? null : nearest(fault.wanted, offered);
    const help =
      meant === null
        ? `it offers: ${list(offered.map(shownName))}`
        : `did you mean \`${shownName(meant)}\`?`;
    return [problem('TOOL_UNRESOLVED', at, `\`${connection.name}\` ${fault.says}`, help)];
  });
}

function offersOf(
  connection: Connection,
  serving: Serving,
  catalogue: Catalogue,
  config: Config,
  problems: ConfigProblem[],
  warnings: string[],
): Tool[] {
  const offers: Tool[] = [];
  const outward = isOutward(connection);
  const at = (what: string) =>
    config.at(pointer('connections', connection.name, 'serve', what), 'key');
  if (serving.resources && catalogue.resources) offers.push(resourcesOf(connection, outward));
  else if (serving.resources)
    problems.push(
      problem(
        'TOOL_UNRESOLVED',
        at('resources'),
        `\`${connection.name}\` has no resources`,
        'leave `resources` out',
      ),
    );
  if (!serving.prompts) return offers;
  const fault = (message: string): void => {
    problems.push(
      problem('TOOL_FORBIDDEN', at('prompts'), `the prompts of \`${connection.name}\`: ${message}`),
    );
  };
  if (catalogue.prompts.length === 0)
    warnings.push(`${at('prompts')} \`${connection.name}\` has no prompts now`);
  if (catalogue.prompts.length > MAX_PROMPTS)
    fault(`there are ${catalogue.prompts.length}, at most ${MAX_PROMPTS}`);
  try {
    const shown = catalogue.prompts.slice(0, MAX_PROMPTS).map(wordsShown);
    // written out, a prompt would no longer be the one that its server knows
    const plain = shown.filter(({ marked }) => marked.length === 0);
    if (plain.length < shown.length)
      warnings.push(
        `${at('prompts')} ${shown.length - plain.length} prompts of \`${connection.name}\` hold hidden characters: they are not served`,
      );
    offers.push(
      promptsOf(
        connection,
        plain.map(({ value }) => value),
        outward,
      ),
    );
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    fault(error.message);
  }
  return offers;
}

/** The class of such a tool was accepted unseen. */
export const BY_STAR = 'taken for it by `*`, unseen';

function draftOf(
  given: JsonObject,
  name: string,
  upstream: string,
  { how, named }: ServedAs,
  connection: Connection,
): { tool: Tool; warnings: readonly string[] } {
  const definition = definitionOf(given);
  const { unchecked } = foreignSchema(definition.inputSchema);
  const { shown, binding } = narrowed(how, definition);
  const { effect, reversibility, idempotent, maxResultBytes, timeoutMs, pollingMs } = how;
  const tool = pinned({
    name,
    description: shown.description,
    connection: connection.name,
    inputSchema: shown.inputSchema,
    effect,
    reversibility,
    idempotent,
    recoveryPath: foreignRecovery(upstream, definition.description) !== null,
    cap: capFor(effect, reversibility, how.cap, isOutward(connection)),
    maxResultBytes,
    ...(pollingMs === undefined ? {} : { pollingMs }),
    timeoutMs,
    ...(Object.keys(shown.listing).length === 0 ? {} : { listing: shown.listing }),
    ...(how.lineage === null ? {} : { lineage: how.lineage }),
    ...how.bindings,
    binding: { mcp: 'tools/call', name: upstream, ...binding },
    derivation: [...(named === '*' ? [BY_STAR] : []), ...unchecked],
  });
  return { tool, warnings: warningsOf(tool, definition) };
}

function warningsOf({ name, effect }: Tool, { listing, marked }: Definition): string[] {
  const hints = isJsonObject(listing.annotations) ? listing.annotations : {};
  const warnings: string[] = [];
  if (hints.destructiveHint === true && hints.readOnlyHint !== true && effect !== 'destroy')
    warnings.push(
      `\`${name}\` is accepted as a \`${effect}\`, and its server says that it destroys`,
    );
  else if (hints.readOnlyHint === false && effect === 'read')
    warnings.push(
      `\`${name}\` is accepted as a \`read\`, and its server says that it changes things`,
    );
  if (marked.length > 0)
    warnings.push(
      `\`${name}\`: its server hides characters in ${list(marked)}; they are written out`,
    );
  return warnings;
}

/** The draft with what its inspector found: it may raise, and it binds. */
export function finishedDraft(
  { tool, as, how, at }: Draft,
  derived: Derived,
): Tool | ConfigProblem {
  const recoveryPath = tool.recoveryPath || derived.recoveryPath;
  if (recoveryPath && how.effect !== 'destroy') {
    const message = `\`${tool.name}\` is declared \`${how.effect}\`, and its name or description says that it removes a way to recover`;
    return problem('TOOL_UNDERSTATED', at, message, `write \`${as}: destroy\``);
  }
  const { digest: _, ...rest } = tool;
  const reversibility = recoveryPath ? 'none' : tool.reversibility;
  return pinned({
    ...rest,
    recoveryPath,
    reversibility,
    cap: recoveryPath
      ? { ...tool.cap, irreversible: Math.max(1, tool.cap.irreversible) }
      : tool.cap,
    binding: { ...derived.binding, ...narrowingBeside(tool.binding) },
    derivation: [...tool.derivation, ...derived.derivation],
  });
}

function narrowingBeside({ narrow, keepHidden }: JsonObject): JsonObject {
  return {
    ...(narrow === undefined ? {} : { narrow }),
    ...(keepHidden === undefined ? {} : { keepHidden }),
  };
}

function shownName(name: string): string {
  const shown = withHiddenShown(name);
  return shown.length <= 140 ? shown : `${shown.slice(0, 139)}…`;
}

function list(names: readonly string[]): string {
  const told = names
    .slice(0, MAX_TOLD)
    .map((name) => `\`${name}\``)
    .join(', ');
  return names.length > MAX_TOLD ? `${told} and ${names.length - MAX_TOLD} more` : told;
}
