import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type Json } from '../../domain/json.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import { join, request } from '../client.ts';
import type { Command } from '../command.ts';
import { agentSecret } from './run.ts';

const LARGEST = 131_072;

export const runSay: Command = {
  name: 'run say',
  summary: 'tell a run what its principal says, read from stdin; a hook of a client can do it',
  usage: '[ID]',
  positionals: [0, 1],
  options: {
    agent: {
      type: 'string',
      value: 'NAME',
      summary: 'the agent whose secret `agent enrol --save` kept (or SIGNALBOX_AGENT_TOKEN_FILE)',
    },
    'agents-url': {
      type: 'string',
      value: 'URL',
      summary: 'the agents address (else SIGNALBOX_AGENTS_URL, else where it was enrolled)',
    },
  },
  run: async (call) => {
    const { io, positionals } = call;
    const id = positionals[0] ?? io.env.SIGNALBOX_RUN;
    if (id === undefined)
      throw new SignalboxError('USAGE', 'expected the id of a run, or SIGNALBOX_RUN');
    const text = spoken(await io.input.all(LARGEST));
    if (text.trim() === '') throw new SignalboxError('USAGE', 'expected words on stdin, got none');
    const { url, token } = await agentSecret(call);
    const path = `/v1/runs/${encodeURIComponent(id)}/said`;
    await request(io, { method: 'POST', url: join(url, path), bearer: token, body: { text } });
    return { json: { said: id, characters: text.length }, text: `said in ${plain(id)}` };
  },
};

/** Hooks of coding agents hand over `{"prompt": "…"}`; everything else is the words themselves. */
function spoken(input: string): string {
  try {
    const read = JSON.parse(input) as Json;
    if (isJsonObject(read) && typeof read.prompt === 'string') return read.prompt;
  } catch {}
  return input;
}
