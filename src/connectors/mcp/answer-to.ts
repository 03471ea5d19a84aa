import type { JsonObject } from '../../domain/json.ts';
import { mayBeAsked, refusalText, resultText } from '../../protocols/mcp/upstream-request.ts';
import type { Ear } from './wire.ts';

/** The answer to a server's question: of the caller where there is one that can be asked, else no. */
export async function answerTo(
  id: string | number,
  method: string,
  params: JsonObject,
  ear: Ear | null,
): Promise<string> {
  if (method === 'ping') return resultText(id, {});
  if (ear === null || !mayBeAsked(ear.capabilities, method))
    return refusalText(id, -32601, 'this client cannot be asked that');
  try {
    return resultText(id, await ear.question(method, params));
  } catch {
    return refusalText(id, -32603, 'the question was not answered');
  }
}
