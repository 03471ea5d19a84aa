/** Messages as real clients of both eras send them; what is mutated begins here. */
import type { Chance } from './chance.ts';
import type { Harvest } from './harvest.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type Members = { readonly [name: string]: Json };
export type Header = readonly [name: string, value: string];

export interface Seed {
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly path: string;
  readonly headers: readonly Header[];
  /** Null: no body. */
  readonly body: Json | null;
}

export interface Grammar {
  readonly chance: Chance;
  readonly harvest: Harvest;
  readonly tokens: readonly string[];
  /** May cut messages off. */
  readonly slow: boolean;
}

const MODERN = '2026-07-28';
const LEGACY = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
const PREFIX = 'io.modelcontextprotocol/';
const NAMED: { readonly [method: string]: string } = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

export function seedOf(grammar: Grammar): Seed {
  const { chance } = grammar;
  const kind = chance.upTo(100);
  if (kind < 55) return modern(grammar);
  if (kind < 95) return legacy(grammar);
  return odd(grammar);
}

/** One body of either era, for batches. */
export function messageOf(grammar: Grammar): Json {
  return seedOf(grammar).body ?? null;
}

const headersOf = ({ chance, tokens }: Grammar): Header[] => [
  ['content-type', 'application/json'],
  ['accept', 'application/json, text/event-stream'],
  ['authorization', `Bearer ${chance.one(tokens)}`],
];

function idOf(chance: Chance): Json {
  return chance.onceIn(3) ? `id-${chance.upTo(1_000)}` : chance.upTo(100_000);
}

function modern(grammar: Grammar): Seed {
  const { chance } = grammar;
  const [method, given] = chance.one(MODERN_CALLS)(grammar);
  const _meta: Members = {
    [`${PREFIX}protocolVersion`]: MODERN,
    [`${PREFIX}clientCapabilities`]: chance.one<Members>([
      {},
      { elicitation: {} },
      { elicitation: { form: {} }, sampling: {}, roots: {} },
    ]),
    [`${PREFIX}clientInfo`]: { name: 'fuzz', version: '1' },
    ...(chance.onceIn(4) ? { progressToken: chance.upTo(50) } : {}),
    ...(chance.onceIn(6) ? { [`${PREFIX}logLevel`]: 'debug' } : {}),
  };
  const params = { ...given, _meta };
  const named = given[NAMED[method] ?? ''];
  return {
    method: 'POST',
    path: '/mcp',
    headers: [
      ...headersOf(grammar),
      ['mcp-protocol-version', MODERN],
      ['mcp-method', method],
      ...(typeof named === 'string' ? [['mcp-name', named] as const] : []),
    ],
    body: { jsonrpc: '2.0', id: idOf(chance), method, params },
  };
}

type Call = (grammar: Grammar) => readonly [method: string, params: Members];

const TEXTS = 400;
/** Few, so that what was approved is proposed again soon. */
const WRITES = 4;
const echo: Call = ({ chance }) => [
  'tools/call',
  { name: 'echo', arguments: { text: `r${chance.upTo(TEXTS)}` } },
];
const keep: Call = ({ chance }) => [
  'tools/call',
  {
    name: chance.one(['keep', 'up_keep']),
    arguments: { text: `w${chance.upTo(WRITES)}` },
  },
];
const ask: Call = ({ chance, harvest }) => [
  'tools/call',
  {
    name: chance.one(['up_ask', 'keep', 'up_keep']),
    arguments: { text: `w${chance.upTo(WRITES)}` },
    ...(chance.onceIn(2) ? { requestState: harvest.any(chance, 'state') } : {}),
    inputResponses: chance.one<Members>([
      { name: { action: 'accept', content: { name: 'a' } } },
      { 'signalbox/approval': { action: 'accept', content: {} } },
      { name: { action: 'decline' } },
    ]),
  },
];
const upstream: Call = ({ chance }) => [
  'tools/call',
  { name: 'up_read', arguments: { text: `u${chance.upTo(TEXTS)}` } },
];
const list: Call = ({ chance, harvest }) => [
  chance.one(['tools/list', 'resources/list', 'prompts/list', 'resources/templates/list']),
  chance.onceIn(3) ? { cursor: harvest.any(chance, 'cursor') } : {},
];
const read: Call = ({ chance }) => [
  'resources/read',
  { uri: chance.one(['up+mem://a', 'up+mem://b', 'mem://a', 'file:///etc/passwd']) },
];
const prompt: Call = ({ chance }) => [
  'prompts/get',
  { name: chance.one(['up_greet', 'greet']), arguments: { who: 'x' } },
];
const complete: Call = () => [
  'completion/complete',
  { ref: { type: 'ref/prompt', name: 'up_greet' }, argument: { name: 'who', value: 'a' } },
];

const MODERN_CALLS: readonly Call[] = [
  echo,
  keep,
  ask,
  ask,
  upstream,
  list,
  list,
  read,
  prompt,
  complete,
  () => ['server/discover', {}],
  ({ chance }) => ['notifications/cancelled', { requestId: idOf(chance), reason: 'over' }],
  ({ chance }) =>
    chance.onceIn(12)
      ? [
          'subscriptions/listen',
          { notifications: { toolsListChanged: true, resourceSubscriptions: ['up+mem://a'] } },
        ]
      : ['server/discover', {}],
];

const LEGACY_CALLS: readonly Call[] = [
  echo,
  keep,
  upstream,
  list,
  list,
  read,
  prompt,
  complete,
  () => ['ping', {}],
  ({ chance }) => ['logging/setLevel', { level: chance.one(['debug', 'error', 'loud']) }],
  ({ chance }) => [
    chance.one(['resources/subscribe', 'resources/unsubscribe']),
    { uri: 'up+mem://a' },
  ],
  ({ chance }) => ['notifications/cancelled', { requestId: idOf(chance) }],
  () => ['notifications/initialized', {}],
  ({ chance }) => [
    'initialize',
    {
      protocolVersion: chance.one(LEGACY),
      capabilities: { elicitation: {}, sampling: {} },
      clientInfo: { name: 'fuzz', version: '1' },
    },
  ],
];

function legacy(grammar: Grammar): Seed {
  const { chance, harvest } = grammar;
  const [method, params] = chance.one(LEGACY_CALLS)(grammar);
  const notice = method.startsWith('notifications/');
  const message = { jsonrpc: '2.0', ...(notice ? {} : { id: idOf(chance) }), method, params };
  const batch = chance.onceIn(15);
  return {
    method: 'POST',
    path: '/mcp',
    headers: [
      ...headersOf(grammar),
      ['mcp-protocol-version', chance.one(LEGACY)],
      ...(chance.onceIn(3) ? [['mcp-session-id', harvest.any(chance, 'session')] as const] : []),
    ],
    body: batch
      ? Array.from({ length: 1 + chance.upTo(18) }, () => {
          const [name, given] = chance.one(LEGACY_CALLS)(grammar);
          return { jsonrpc: '2.0', id: idOf(chance), method: name, params: given };
        })
      : message,
  };
}

/** What is not a request of a client: streams, ends of sessions, answers to what nobody asked, other routes. */
function odd(grammar: Grammar): Seed {
  const { chance, harvest } = grammar;
  const session: Header = ['mcp-session-id', harvest.any(chance, 'session')];
  const headers: Header[] = [...headersOf(grammar), ['mcp-protocol-version', '2025-11-25']];
  const answer: Seed = {
    method: 'POST',
    path: '/mcp',
    headers: [...headers, session],
    body: { jsonrpc: '2.0', id: idOf(chance), result: { action: 'accept', content: {} } },
  };
  return chance.one<Seed>([
    answer,
    { method: 'DELETE', path: '/mcp', headers: [...headers, session], body: null },
    {
      method: 'GET',
      path: '/mcp',
      headers: [...headers, session, ['last-event-id', harvest.any(chance, 'event')]],
      body: null,
    },
    {
      method: 'GET',
      path: chance.one(['/healthz', '/readyz', '/.well-known/oauth-protected-resource']),
      headers,
      body: null,
    },
    { method: 'POST', path: `/v1/runs/x${chance.upTo(9)}/renew`, headers, body: {} },
  ]);
}
