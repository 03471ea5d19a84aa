/** The operator's side, over the real admin API: a setup code, then a key, then JSON. */
import type { JsonObject } from '../../src/domain/json.ts';
import { member, type Reply, send } from './wire.ts';

export interface Operator {
  readonly key: string;
  secret(url: string, name: string, value: string): Promise<void>;
  /** `inspect`: servers that the plan may call to see what they offer. */
  planAndApply(url: string, text: string, inspect?: readonly string[]): Promise<void>;
  enrol(url: string, agent: string): Promise<string>;
  /** Looks at the ask as it is shown and answers exactly that. `given` when that was taken, else why it was not. */
  answer(url: string, approval: string, answer: 'approve' | 'refuse'): Promise<string>;
  status(url: string): Promise<JsonObject | null>;
}

export async function claimOperator(url: string, code: string): Promise<Operator> {
  const { key } = whole(await send('POST', `${url}/setup`, null, { code, name: 'harness' }));
  if (typeof key !== 'string') throw new Error('the setup code brought no key');
  const post = (at: string, body: JsonObject) => send('POST', at, key, body);
  return {
    key,
    async secret(at, name, value) {
      whole(await post(`${at}/api/secrets/${name}`, { value }));
    },
    async planAndApply(at, text, inspect = []) {
      const config = { text, path: 'signalbox.yaml', inspect: inspect.join(',') };
      const { plan } = whole(await post(`${at}/api/plan`, config));
      whole(await post(`${at}/api/apply`, { ...config, plan: plan ?? null }));
    },
    async enrol(at, agent) {
      const { token } = whole(await post(`${at}/api/agents/${agent}/enrol`, {}));
      return String(token);
    },
    async answer(at, approval, answer) {
      const ask = await send('GET', `${at}/api/approvals/${approval}`, key);
      const digest = member(ask?.body, 'digest');
      if (ask?.status !== 200 || typeof digest !== 'string') return whyNot(ask);
      const body = { digest, because: 'crash harness' };
      const reply = await post(`${at}/api/approvals/${approval}/${answer}`, body);
      return reply?.status === 200 ? 'given' : whyNot(reply);
    },
    async status(at) {
      const reply = await send('GET', `${at}/api/status`, key);
      return reply?.status === 200 ? reply.body : null;
    },
  };
}

function whyNot(reply: Reply | null): string {
  return reply === null ? 'lost' : String(member(reply.body, 'error', 'code') ?? reply.status);
}

function whole(reply: Reply | null): JsonObject {
  if (reply === null || reply.status >= 300)
    throw new Error(`an operator's request failed: ${JSON.stringify(reply)}`);
  return reply.body;
}
