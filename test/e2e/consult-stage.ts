/** A real HTTP server that plays models and decision points, and the real broker over a real store that asks it. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach } from 'node:test';
import { Questions } from '../../src/boundary/questions.ts';
import { act } from '../../src/broker/act.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { Consultants } from '../../src/broker/consultants.ts';
import type { Consult, ModelConsult, PdpConsult } from '../../src/domain/consult.ts';
import type { Outcome } from '../../src/domain/proposal.ts';
import { BUNDLE, openWorld, type PropertyWorld, toolNamed } from '../properties/world.ts';

export const SECRET = 'the-secret-of-the-judge';

export interface Heard {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly body: any;
}

export type Answer =
  | { readonly status?: number; readonly type?: string; readonly body: unknown }
  | 'silence';

let server: Server;
/** What was asked, and what is answered: set by each test. */
export const judge: { heard: Heard[]; answer: (heard: Heard) => Answer } = {
  heard: [],
  answer: () => 'silence',
};

before(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url: path = '', headers } = request;
      const one = { path, headers, body: JSON.parse(Buffer.concat(chunks).toString()) };
      judge.heard.push(one);
      const said = judge.answer(one);
      if (said === 'silence') return;
      const { status = 200, type = 'application/json', body } = said;
      response.writeHead(status, { 'content-type': type });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  judge.heard = [];
});
after(() => {
  server.closeAllConnections();
  server.close();
});

export const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const asked = {
  secret: 'judge',
  allowPrivate: true,
  timeoutMs: 400,
  about: ['write', 'destroy'],
} as const;

export function model(more: Partial<ModelConsult> = {}): ModelConsult {
  return {
    ...asked,
    ...{ name: 'second', kind: 'model', api: 'openai', model: 'other-1', maxTokens: 100 },
    url: url(),
    ...more,
  };
}

export function pdp(more: Partial<PdpConsult> = {}): PdpConsult {
  const canary = { agent: 'ann', tool: 'change' };
  return {
    ...asked,
    ...{ name: 'central', kind: 'authzen', url: url() },
    canaries: [
      { ...canary, arguments: { amount: 1 }, expect: 'allow' },
      { ...canary, arguments: { amount: 999 }, expect: 'deny' },
    ],
    ...more,
  };
}

/** A small decision point: it looks at the amount, where it ought to look. */
export function decides({ body }: Heard): Answer {
  const { amount = 0 } = body.resource.properties.arguments;
  return { body: { decision: amount < 100, context: { reason: `amount ${amount}` } } };
}

/** What a model of either API says, echoing the code word of the question. */
export function says(
  verdict: string,
  more: { readonly word?: string; readonly wrap?: boolean } = {},
) {
  return ({ path, body }: Heard): Answer => {
    const question: string = body.messages.at(-1).content;
    const said = { case: more.word ?? question.split('\n')[0], verdict, reason: 'because' };
    const text = more.wrap ? `\`\`\`json\n${JSON.stringify(said)}\n\`\`\`` : JSON.stringify(said);
    if (path === '/v1/messages')
      return {
        body: {
          content: [{ type: 'text', text }],
          usage: { input_tokens: 321, output_tokens: 12 },
        },
      };
    return {
      body: {
        choices: [{ message: { content: text } }],
        usage: { prompt_tokens: 321, completion_tokens: 12 },
      },
    };
  };
}

export interface Stage {
  readonly world: PropertyWorld;
  readonly broker: Broker;
  readonly run: string;
  propose(tool: string, args?: { readonly amount: number }): Promise<Outcome>;
}

/** `change` would run by itself here, were nobody asked; nothing undoes `wipe`. */
export async function stageWith(
  t: Parameters<typeof openWorld>[0],
  ...consults: readonly Consult[]
): Promise<Stage> {
  const world = await openWorld(t);
  await world.apply(({ tools }) => ({
    consults,
    tools: {
      ...tools,
      change: toolNamed('change', 'write', { reversibility: 'exercised', idempotent: true }),
    },
    grants: BUNDLE.grants.map((grant) =>
      grant.tool === 'change' ? { ...grant, rung: 'auto' as const } : grant,
    ),
  }));
  const questions = new Questions(world.broker.doors.timers);
  t.after(() => questions.close());
  const broker = {
    ...world.broker,
    consults: new Consultants({
      doors: world.broker.doors,
      post: (question) => questions.ask(question),
      secret: async () => SECRET,
      clean: (text) => text.replaceAll('known-secret', '[withheld]'),
    }),
  };
  const run = await world.run('ann');
  return {
    ...{ world, broker, run },
    propose: (tool, args = { amount: 1 }) =>
      act(broker, { runId: run, tool, arguments: args, via: 'test' }),
  };
}

export function codeOf(outcome: Outcome): string {
  return outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind;
}

export async function lastVerdict({ world, run }: Stage): Promise<string> {
  for (const { body, payload } of (await world.store.timeline(run)).toReversed()) {
    const told = JSON.parse(body).verdicts?.find(
      ({ check }: { check: string }) => check === 'consult',
    );
    const reasons = payload?.reasons as readonly { check: string; reason: string }[] | undefined;
    if (told !== undefined && told.code !== 'OK')
      return `${told.code} ${told.ceiling} ${reasons?.find(({ check }) => check === 'consult')?.reason}`;
  }
  return 'none';
}
