/** An agent that does whatever could bring a secret out, and keeps every byte that it got. */
import { beginRun, type RunHandle } from '../crash/agent.ts';
import { ECHOES } from './forms.ts';
import { type Places, put } from './places.ts';
import type { World } from './world.ts';

const WAYS = ['echo', 'text', 'fail', 'refuse', 'moved', 'crash'];
const INITIALIZE = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'thief', version: '1' },
};
const APIS = ['api', 'billing', 'github', 'status'];
const CHILD = ['result', 'error', 'told', 'environment', 'crash'];

export class Agent {
  readonly #world: World;
  readonly #places: Places;
  readonly run: RunHandle;
  calls = 0;
  /** Answers that were no refusal: what the targets gave away did come through. */
  answered = 0;

  constructor(world: World, places: Places, run: RunHandle) {
    this.#world = world;
    this.#places = places;
    this.run = run;
  }

  static async begin(world: World, places: Places, secret: string): Promise<Agent> {
    const run = await beginRun(world.agentsUrl, secret, 'look for secrets');
    if (run === null) throw new Error('no run could be started');
    return new Agent(world, places, run);
  }

  /** One request as MCP has it, answered as JSON or as a stream. */
  async ask(method: string, params: object, stream = false): Promise<string> {
    const modern = stream
      ? {
          _meta: {
            progressToken: 'p',
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/logLevel': 'debug',
            'io.modelcontextprotocol/clientInfo': { name: 'thief', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        }
      : {};
    const named = (params as { name?: string }).name;
    const answer = await fetch(`${this.#world.agentsUrl}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.run.token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': stream ? '2026-07-28' : '2025-11-25',
        ...(stream
          ? { 'mcp-method': method, ...(named === undefined ? {} : { 'mcp-name': named }) }
          : {}),
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: ++this.calls,
        method,
        params: { ...params, ...modern },
      }),
    });
    const text = await answer.text();
    const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream') === true;
    const place = answer.ok ? (isStream ? 'agent streams' : 'agent answers') : 'agent errors';
    put(this.#places, place, JSON.stringify([...answer.headers]) + text);
    if (text.includes('"content"') || text.includes('"contents"')) this.answered++;
    return text;
  }

  call(name: string, args: object, stream = false): Promise<string> {
    return this.ask('tools/call', { name, arguments: args }, stream);
  }

  /** Every way of every target in every form. */
  async everything(): Promise<void> {
    const forms = Object.keys(ECHOES);
    for (const api of APIS)
      for (const way of WAYS) {
        const tried =
          way === 'echo' || (way === 'text' && api === 'api') ? forms : ['plain', 'hex'];
        await Promise.all(tried.map((form) => this.call(`${api}_${way}`, { form })));
      }
    for (const tool of CHILD) {
      const tried = tool === 'result' ? forms : tool === 'crash' ? ['plain'] : ['plain', 'within'];
      for (const form of tried) {
        await this.call(`child_${tool}`, { form });
        await this.call(`child_${tool}`, { form }, true);
      }
    }
    await this.ask('tools/list', {});
    await this.ask('resources/list', {});
    await this.ask('resources/templates/list', {});
    await this.ask('prompts/list', {});
    await this.ask('prompts/get', { name: 'one' });
    await this.ask('initialize', INITIALIZE);
    await this.ask('resources/read', { uri: 'res://one' });
    for (const id of [1, 2, 3]) {
      await this.call('read_leak', { id });
      await this.call('cast_leak', { id });
      await this.call('note_leak', { id, note: 'seen' });
    }
    await this.call('no_such_tool', {});
  }
}
