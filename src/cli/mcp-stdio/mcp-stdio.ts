import type { Timers } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import { checkedUrl } from '../address.ts';
import { join } from '../client.ts';
import type { Call, Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import { readSecretFile } from '../home.ts';
import { linesOf, Overlong } from './lines.ts';
import { overlongId } from './overlong-id.ts';
import { Relay } from './relay.ts';
import { openWire } from './wire.ts';

const DEFAULT_AGENTS_URL = 'http://127.0.0.1:4810';
/** What the listener takes as a body, and a little more, so that it is the listener who says no. */
const MAX_LINE = 1_048_576 + 65_536;

export const mcpStdio: Command = {
  name: 'mcp-stdio',
  summary: 'carry MCP between a client that can only launch commands and the agents address',
  usage: '',
  positionals: [0, 0],
  options: {
    agent: {
      type: 'string',
      value: 'NAME',
      summary: 'the agent whose secret `agent enrol --save` kept (else SIGNALBOX_TOKEN)',
    },
    'or-agent': {
      type: 'string',
      value: 'NAME',
      summary: 'the agent to be where `signalbox run` handed nothing down; what `adopt` writes',
    },
    'token-file': {
      type: 'string',
      value: 'FILE',
      summary: 'a file (0600) with a run token or the secret of an agent',
    },
    'agents-url': {
      type: 'string',
      value: 'URL',
      summary: 'the agents address (else SIGNALBOX_MCP_URL, SIGNALBOX_AGENTS_URL, or as enrolled)',
    },
  },
  run: async (call) => {
    const { io } = call;
    const { url, token } = await credentials(call);
    const say = (text: string): void => io.err.write(`signalbox: ${plain(text)}\n`);
    const relay = new Relay({
      wire: openWire(url, token, io.fetch),
      write: (line) => io.out.line(line),
      say,
      pause: pausing(io.doors.timers),
    });
    const bytes = io.input.bytes();
    const listening = io.onStop(() => void bytes.return(undefined));
    try {
      for await (const line of linesOf(bytes, MAX_LINE)) {
        if (line instanceof Overlong) {
          say(`a line of more than ${MAX_LINE} bytes was dropped`);
          await relay.dropped(overlongId(line), MAX_LINE);
        } else if (line.length > 0) await relay.take(line);
      }
    } finally {
      listening();
      await relay.end();
    }
    return EXIT.ok.code;
  },
};

/** Waits, or until there is nothing to wait for any more; leaves no timer behind. */
function pausing(timers: Timers): (ms: number, signal: AbortSignal) => Promise<void> {
  return (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const over = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', over);
        resolve();
      };
      const timer = timers.after(ms, over);
      signal.addEventListener('abort', over);
    });
}

/** Whose word this client's is: what was named comes before what `signalbox run` handed down. */
async function credentials(call: Call): Promise<{ url: string; token: string }> {
  const { io, home, options } = call;
  const { SIGNALBOX_TOKEN: handed, SIGNALBOX_MCP_URL: mcp } = io.env;
  const named = options['agents-url'] ?? io.env.SIGNALBOX_AGENTS_URL;
  const base = typeof named === 'string' ? named : null;
  const at = (fallback: string): string =>
    base === null ? checkedUrl(mcp ?? join(fallback, '/mcp')) : join(checkedUrl(base), '/mcp');
  const { agent, 'token-file': file = io.env.SIGNALBOX_AGENT_TOKEN_FILE } = options;
  if (typeof agent === 'string') return enrolled(agent, await home.agent(agent), base);
  if (typeof options['token-file'] === 'string')
    return { url: at(DEFAULT_AGENTS_URL), token: await readSecretFile(io, options['token-file']) };
  if (handed !== undefined && handed !== '') return { url: at(DEFAULT_AGENTS_URL), token: handed };
  if (typeof options['or-agent'] === 'string')
    return enrolled(options['or-agent'], await home.agent(options['or-agent']), base);
  if (typeof file === 'string')
    return { url: at(DEFAULT_AGENTS_URL), token: await readSecretFile(io, file) };
  throw new SignalboxError('TOKEN_MISSING', 'nothing says which agent this client is', {
    help: 'start the client with `signalbox run`, or name `--agent NAME` or `--token-file FILE`',
  });
}

function enrolled(
  agent: string,
  known: { readonly url: string; readonly token: string } | null,
  base: string | null,
): { url: string; token: string } {
  if (known === null)
    throw new SignalboxError('AGENT_UNKNOWN', `no secret of \`${agent}\` is kept here`, {
      help: `\`signalbox agent enrol ${agent} --save\``,
    });
  const url = checkedUrl(base ?? known.url);
  if (new URL(url).origin !== new URL(known.url).origin)
    throw new SignalboxError(
      'TOKEN_AUDIENCE',
      `\`${agent}\` was enrolled at \`${known.url}\`, not at \`${url}\``,
    );
  return { url: join(url, '/mcp'), token: known.token };
}
