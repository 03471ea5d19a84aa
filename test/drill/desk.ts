/** What the operator of a drill does beyond claiming and applying: halts, resumes, and looks. */
import type { HaltReport } from '../../src/broker/broker.ts';
import { isJsonObject, type JsonObject } from '../../src/domain/json.ts';
import { member, type Reply, send } from '../crash/wire.ts';

export interface Desk {
  halt(url: string, scope: string, reason: string): Promise<HaltReport>;
  resume(url: string, scope: string, reason: string): Promise<void>;
  /** The state of the halt that stands on this scope; null when none does. */
  halted(url: string, scope: string): Promise<string | null>;
  endRun(url: string, run: string): Promise<void>;
  healthy(url: string): Promise<boolean>;
}

export function deskOf(key: string): Desk {
  const post = async (url: string, body: JsonObject): Promise<JsonObject> => {
    const reply = await send('POST', url, key, body);
    if (reply === null || reply.status >= 300)
      throw new Error(`the operator was refused: ${url} ${JSON.stringify(reply)}`);
    return reply.body;
  };
  return {
    async halt(url, scope, reason) {
      const { report } = await post(`${url}/api/halts`, { scope, reason });
      return report as unknown as HaltReport;
    },
    async resume(url, scope, reason) {
      await post(`${url}/api/resume`, { scope, reason });
    },
    async halted(url, scope) {
      const halts = member((await statusOf(url, key))?.body, 'halts');
      const found = Array.isArray(halts)
        ? halts.filter(isJsonObject).find((halt) => halt.scope === scope && halt.state !== 'lifted')
        : undefined;
      return found === undefined ? null : String(found.state);
    },
    async endRun(url, run) {
      await send('POST', `${url}/api/runs/${run}/end`, key, { reason: 'the drill is over' });
    },
    async healthy(url) {
      const reply = await send('GET', `${url}/healthz`, null);
      return reply?.status === 200;
    },
  };
}

function statusOf(url: string, key: string): Promise<Reply | null> {
  return send('GET', `${url}/api/status`, key);
}
