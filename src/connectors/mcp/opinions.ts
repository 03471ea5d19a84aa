import type { EffectClass } from '../../domain/effect.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';

/**
 * What a server's annotations say against the class an operator gave its tool. The operator's word stands: these are a
 * stranger's words, and those that would lower anything are not even repeated.
 */
export function opinionsOf({ annotations }: JsonObject, declared: EffectClass): string[] {
  const words = [`declared \`${declared}\` by the operator`];
  if (!isJsonObject(annotations)) return words;
  const { readOnlyHint, destructiveHint, openWorldHint } = annotations;
  if (declared !== 'destroy' && destructiveHint === true && readOnlyHint !== true)
    words.push('its server says that it may destroy (`destructiveHint`)');
  else if (declared === 'read' && readOnlyHint === false)
    words.push('its server says that it changes things (`readOnlyHint: false`)');
  if (declared === 'read' && openWorldHint === true)
    words.push('its server says that it reaches the outside world (`openWorldHint`)');
  return words;
}
