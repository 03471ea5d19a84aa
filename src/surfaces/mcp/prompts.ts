import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { ProtocolFault } from '../../protocols/mcp/faults.ts';
import type { Calls } from './calls.ts';
import type { GrantedViews } from './granted-views.ts';
import type { Resources } from './resources.ts';
import { toldAsMethod } from './telling.ts';
import { invalid } from './tool-call.ts';
import type { Turn } from './turn.ts';

const TOLD = toldAsMethod(true, (members) => members);
const TOLD_AT_ONCE = toldAsMethod(false, (members) => members);

const noPrompt = (): ProtocolFault => invalid('there is no prompt of this name');

/** `prompts/get`: a read through the pseudo tool of the connection that has it. Throws ProtocolFault. */
export async function getPrompt(turn: Turn, views: GrantedViews, calls: Calls): Promise<void> {
  const { name, arguments: given } = turn.request.params;
  const { offered, granted } = await views.of(turn.caller);
  if (!offered.prompts) throw notOffered('prompts');
  const prompt = typeof name === 'string' ? granted.promptByName.get(name) : undefined;
  if (typeof name !== 'string' || prompt === undefined) throw noPrompt();
  if (given !== undefined && !isJsonObject(given))
    throw invalid('expected `arguments` to be an object');
  await calls.answer(turn, {
    tool: prompt.tool.name,
    arguments: { name, ...(given === undefined ? {} : { arguments: given }) },
    telling: TOLD,
    reads: true,
  });
}

/** `completion/complete`, for a variable of a prompt or of a resource template. Throws ProtocolFault. */
export async function complete(
  turn: Turn,
  views: GrantedViews,
  calls: Calls,
  resources: Resources,
): Promise<void> {
  const { ref, argument, context } = turn.request.params;
  if (!isJsonObject(ref) || !isJsonObject(argument))
    throw invalid('expected `ref` and `argument` to be objects');
  const { offered, granted } = await views.of(turn.caller);
  if (!offered.prompts && !offered.resources) throw notOffered('completions');
  const { name, value } = argument;
  const asked: JsonObject = {
    argument: { name: name ?? null, value: value ?? null },
    ...(context === undefined ? {} : { context }),
  };
  if (ref.type === 'ref/prompt') {
    const named = typeof ref.name === 'string' ? ref.name : null;
    const prompt = named === null ? undefined : granted.promptByName.get(named);
    if (named === null || prompt === undefined) throw noPrompt();
    const complete = { name: named, ...asked };
    const tool = prompt.tool.name;
    return calls.answer(turn, {
      tool,
      arguments: { complete },
      telling: TOLD_AT_ONCE,
      reads: true,
    });
  }
  if (ref.type !== 'ref/resource' || typeof ref.uri !== 'string')
    throw invalid('expected `ref` to be of type `ref/prompt` or `ref/resource`');
  const { name: tool } = await resources.completing(turn, ref.uri);
  const complete = { uri: ref.uri, ...asked };
  return calls.answer(turn, { tool, arguments: { complete }, telling: TOLD_AT_ONCE, reads: true });
}

function notOffered(what: string): ProtocolFault {
  return new ProtocolFault('methodNotFound', `no ${what} are offered to this agent`);
}
