import type { Bound, Bundle, Connection, Tool } from '../domain/bundle.ts';
import { canonical, isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { own } from '../domain/own.ts';
import { originOf } from '../tools/bound.ts';
import { narrowingIn } from '../tools/narrow/narrowing.ts';
import type { Placed } from './clashes.ts';
import type { Config } from './config.ts';
import { nearest } from './names.ts';
import { type ConfigProblem, problem } from './problems.ts';

/** Other calls that belong to a tool, as its file gives them. */
export type Bindings = Pick<Tool, 'undo' | 'preview' | 'staging'>;

export function bindingsOf({ undo, preview, staging }: JsonObject): Bindings {
  return {
    ...(undo === undefined ? {} : { undo: boundOf(undo as JsonObject) }),
    ...(preview === undefined ? {} : { preview: boundOf(preview as JsonObject) }),
    ...(typeof staging === 'string' ? { staging } : {}),
  };
}

function boundOf({ tool, arguments: given = {} }: JsonObject): Bound {
  return { tool: String(tool), arguments: given as JsonObject };
}

/** Every other call must exist and take what it is given; a preview only looks; staging is no production. */
export function bindingProblems(
  placed: readonly Placed[],
  tools: Bundle['tools'],
  { connections }: Config,
): ConfigProblem[] {
  return placed.flatMap(({ tool, at }) => {
    const problems: ConfigProblem[] = [];
    const say = (what: string, message: string, help?: string): void => {
      problems.push(
        problem('TOOL_FORBIDDEN', at, `\`${what}\` of \`${tool.name}\`: ${message}`, help),
      );
    };
    const { undo, preview, staging } = tool;
    if (undo !== undefined) boundProblems('undo', tool, undo, tools, say);
    if (preview !== undefined) {
      const looks = own(tools, preview.tool);
      if (looks !== null && looks.effect !== 'read')
        say('preview', `\`${preview.tool}\` is a \`${looks.effect}\`, and a preview only looks`);
      boundProblems('preview', tool, preview, tools, say);
    }
    if (staging !== undefined) stagingProblems(tool, staging, connections, say);
    return problems;
  });
}

/** Ways in which other calls that belong to a tool give more, or show less, than before. */
export function bindingsWiden(name: string, before: Tool, after: Tool): string[] {
  const changed = (was: Json | Bound | undefined, is: Json | Bound | undefined): boolean =>
    canonical(was ?? null) !== canonical(is ?? null);
  return [
    ...(before.preview !== undefined && changed(before.preview, after.preview)
      ? [`what a human is shown of \`${name}\` before approving is another call, or none`]
      : []),
    ...(before.undo !== undefined && after.undo !== undefined && changed(before.undo, after.undo)
      ? [`another call counts as the undo of \`${name}\``]
      : []),
    ...(after.staging !== undefined && before.staging !== after.staging
      ? [`on rung \`stage\` \`${name}\` is executed at \`${after.staging}\``]
      : []),
  ];
}

type Say = (what: string, message: string, help?: string) => void;

function boundProblems(
  what: 'undo' | 'preview',
  tool: Tool,
  bound: Bound,
  tools: Bundle['tools'],
  say: Say,
): void {
  const other = own(tools, bound.tool);
  if (other === null) {
    const meant = nearest(bound.tool, Object.keys(tools));
    say(
      what,
      `there is no tool \`${bound.tool}\``,
      meant === null ? undefined : `did you mean \`${meant}\`?`,
    );
    return;
  }
  if (other.name === tool.name) say(what, 'it is the tool itself');
  if (other.recoveryPath) say(what, `\`${other.name}\` removes a way to recover`);
  const [given, wanted] = [argumentsOf(tool.inputSchema), argumentsOf(other.inputSchema)];
  for (const name of Object.keys(bound.arguments))
    if (wanted !== null && !wanted.includes(name))
      say(what, `\`${name}\` is not an argument of \`${other.name}\``);
  for (const [name, value] of Object.entries(bound.arguments)) {
    const origin = originOf(value);
    if (origin === null) continue;
    if (origin.from !== 'arguments') {
      if (what === 'preview') say(what, `\`${name}\` comes from a result, and there is none yet`);
      else if (origin.from !== 'result' && typeof tool.binding.sql !== 'string')
        say(what, `\`${name}\` comes from a row, and only SQL tools keep images of rows`);
    } else if (
      given !== null &&
      !given.includes(origin.parts[0] ?? '') &&
      !isFixed(tool, origin.parts[0])
    )
      say(what, `\`${String(value)}\` names no argument of \`${tool.name}\``);
  }
}

/** What the operator fixed has a value too. */
function isFixed({ binding }: Tool, name = ''): boolean {
  return Object.hasOwn(narrowingIn(binding)?.fix ?? {}, name);
}

function stagingProblems(
  tool: Tool,
  staging: string,
  connections: { readonly [name: string]: Connection },
  say: Say,
): void {
  const [there, here] = [own(connections, staging), own(connections, tool.connection)];
  if (there === null) say('staging', `there is no connection \`${staging}\``);
  else if (there.environment === 'production')
    say('staging', `\`${staging}\` is production`, 'label it: `environment: staging`');
  else if (there.kind !== here?.kind)
    say(
      'staging',
      `\`${staging}\` is of kind \`${there.kind}\`, and the tool of kind \`${here?.kind}\``,
    );
  else if (staging === tool.connection) say('staging', 'it is where the tool works already');
  if (tool.effect === 'read') say('staging', 'it only reads: there is nothing to stage');
}

/** Null for a schema that names none. */
function argumentsOf({ properties }: JsonObject): readonly string[] | null {
  return isJsonObject(properties) ? Object.keys(properties) : null;
}
