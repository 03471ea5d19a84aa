/** How an agent hands a part of its run to a sub-agent: RFC 8693, the token of the run for one of a run under it. */
import { request } from 'undici';
import { isJsonObject } from '../../src/domain/json.ts';
import type { RunHandle } from '../crash/agent.ts';
import { member } from '../crash/wire.ts';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

export interface Exchanged {
  readonly status: number;
  readonly run: RunHandle | null;
}

export async function delegate(agentsUrl: string, parent: RunHandle): Promise<Exchanged> {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: parent.token,
    subject_token_type: ACCESS_TOKEN,
    authorization_details: JSON.stringify([{ type: 'signalbox_run', intent: 'be halted too' }]),
  });
  const { statusCode, body } = await request(`${agentsUrl}/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  });
  const said: unknown = await body.json();
  if (!isJsonObject(said) || statusCode !== 200) return { status: statusCode, run: null };
  const token = String(said.access_token);
  return { status: statusCode, run: { id: String(member(said, 'run', 'id')), token } };
}
