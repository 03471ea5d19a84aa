/** The operator of the story, over the operators' listener as any other: a setup code, then a key, then plain HTTP. */
import type { HaltReport } from '../../src/broker/broker.ts';
import type { AskView } from '../../src/surfaces/admin/ask-view.ts';
import type { Reply } from './script.ts';
import { until } from './target.ts';

export interface Operator {
  readonly key: string;
  setSecret(name: string, value: string): Promise<void>;
  /** Plans the configuration and applies exactly what was planned. */
  planAndApply(text: string, path: string): Promise<void>;
  /** The ask that this call of the agent waits for. @throws when the call is over without one. */
  nextAsk(call: Promise<Reply>): Promise<AskView>;
  approve(ask: AskView): Promise<void>;
  /** Approves whatever is parked until `work` is over: a human who always says yes. */
  approvingAll<Result>(work: Promise<Result>): Promise<Result>;
  halt(scope: string, reason: string): Promise<HaltReport>;
}

const PATIENCE_MS = 30_000;
const BETWEEN_LOOKS_MS = 50;

/** Uses the setup code that Signalbox printed at its first start. */
export async function firstOwner(url: string, code: string, name: string): Promise<Operator> {
  const { key } = await post<{ key: string }>(`${url}/setup`, { code, name }, null);
  const change = <Answer>(path: string, body: object): Promise<Answer> =>
    post<Answer>(`${url}${path}`, body, key);
  const openAsks = async (): Promise<readonly AskView[]> => {
    const answer = await call(`${url}/api/approvals`, { headers: bearer(key) });
    return (answer as { approvals: AskView[] }).approvals;
  };
  const approve = async ({ id, digest }: AskView): Promise<void> => {
    await change(`/api/approvals/${id}/approve`, { digest, because: 'the story says yes' });
  };
  return {
    key,
    setSecret: async (secret, value) => {
      await change(`/api/secrets/${secret}`, { value });
    },
    async planAndApply(text, path) {
      const { plan } = await change<{ plan: string }>('/api/plan', { text, path });
      await change('/api/apply', { text, path, plan });
    },
    nextAsk(call) {
      let over: Reply | undefined;
      call.then(
        (reply) => {
          over = reply;
        },
        () => {},
      );
      return until('something to approve', async () => {
        const [ask] = await openAsks();
        if (ask === undefined && over !== undefined) throw new Error(`not parked: ${over.text}`);
        return ask;
      });
    },
    approve,
    async approvingAll(work) {
      let over = false;
      const looking = (async () => {
        while (!over) {
          for (const ask of await openAsks()) await approve(ask);
          await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
        }
      })();
      // A fault here leaves the work waiting for an answer that never comes, so it ends the wait.
      return Promise.race([work, looking.then(() => work)]).finally(() => {
        over = true;
        looking.catch(() => {});
      });
    },
    async halt(scope, reason) {
      const { report } = await change<{ report: HaltReport }>('/api/halts', { scope, reason });
      return report;
    },
  };
}

async function post<Answer>(url: string, body: object, key: string | null): Promise<Answer> {
  return (await call(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === null ? {} : bearer(key)) },
    body: JSON.stringify(body),
  })) as Answer;
}

async function call(url: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, {
    ...init,
    redirect: 'error',
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  throw new Error(`${new URL(url).pathname} answered ${response.status}: ${faultIn(text)}`);
}

function faultIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error: { message: string; at?: string; help: string } };
    return `${error.at === undefined ? '' : `${error.at} `}${error.message} (${error.help})`;
  } catch {
    return text.slice(0, 200);
  }
}

function bearer(key: string): { readonly authorization: string } {
  return { authorization: `Bearer ${key}` };
}
