import { resolve } from 'node:path';
import { SignalboxError } from '../domain/errors.ts';
import type { Call, Command } from './command.ts';
import { EXIT } from './exit.ts';
import type { Running } from './parts.ts';
import { progress } from './progress.ts';
import { fields } from './render.ts';
import { STORE_OPTIONS, sharedStore } from './store-at.ts';

export const up: Command = {
  name: 'up',
  summary: 'start Signalbox here and keep it up until it is stopped',
  usage: '',
  positionals: [0, 0],
  options: {
    'data-dir': {
      type: 'string',
      value: 'DIR',
      summary: 'where its data lives (else a folder of your own configuration)',
    },
    ...STORE_OPTIONS,
    'agents-port': { type: 'string', value: 'PORT', summary: 'where agents call (4810)' },
    'operators-port': { type: 'string', value: 'PORT', summary: 'where operators call (4811)' },
    checkpoints: {
      type: 'string',
      value: 'FILE',
      summary: 'append every signed checkpoint of the ledger to it; best on another machine’s disk',
    },
    config: {
      type: 'string',
      value: 'FILE',
      summary: 'the file named in what to do next (signalbox.yaml); it is not applied',
    },
  },
  run: async (call) => {
    const { io, options, parts } = call;
    const directory = dataDirectory(call);
    const shared = await sharedStore(call);
    let here: Running | null = null;
    // while it starts there is nobody to tell: the file is found before the first call
    const halting = io.onHalt(() =>
      here === null
        ? void parts
            .haltFile(directory)
            .add('all SIGUSR2')
            .catch(() => {})
        : void here.haltHere('SIGUSR2'),
    );
    const system = await progress(
      io,
      'starting',
      parts.start({
        directory,
        ...(shared === null ? {} : { shared }),
        agents: { host: '127.0.0.1', port: port(options['agents-port'], 4810) },
        operators: { host: '127.0.0.1', port: port(options['operators-port'], 4811) },
        credentials: io.env.CREDENTIALS_DIRECTORY ?? null,
        log: (line) => io.err.write(`${line}\n`),
        ...(typeof options.checkpoints === 'string'
          ? { checkpoints: resolve(io.cwd, options.checkpoints) }
          : {}),
      }),
    );
    here = system;
    const stopped = Promise.withResolvers<string>();
    const listening = io.onStop((signal) => {
      listening();
      stopped.resolve(signal);
    });
    announce(call, system, directory);
    const signal = await stopped.promise;
    halting();
    io.err.write(`${signal}: stopping\n`);
    await progress(io, 'closing', system.close());
    return EXIT.ok.code;
  },
};

export function dataDirectory({ io, options, home }: Call): string {
  const named = options['data-dir'];
  return typeof named === 'string' ? resolve(io.cwd, named) : home.data;
}

function port(given: string | boolean | undefined, usual: number): number {
  if (typeof given !== 'string') return usual;
  const number = Number(given);
  if (!/^\d{1,5}$/.test(given) || number > 65_535)
    throw new SignalboxError('USAGE', `expected a port from 0 to 65535, got \`${given}\``);
  return number;
}

function announce(call: Call, system: Running, directory: string): void {
  const { io, options, style } = call;
  const { agentsUrl, operatorsUrl, setupCode } = system;
  if (options.json === true) {
    io.out.write(`${JSON.stringify({ agentsUrl, operatorsUrl, setupCode, directory })}\n`);
    return;
  }
  const config = typeof options.config === 'string' ? ` ${options.config}` : '';
  const places = fields(
    [
      ['operators', operatorsUrl],
      ['agents', `${agentsUrl}/mcp`],
      ['data', directory],
    ],
    style,
  );
  const first =
    setupCode === null
      ? ''
      : `
${style.strong('First, within ten minutes:')} say who you are, on the page above or in another terminal
  signalbox login --url ${operatorsUrl} --name YOU
It asks for this setup code: ${setupCode}
`;
  io.out.write(`${style.strong('Signalbox is up')}
${places}
${first}
${style.strong('Then')}
  signalbox init                                 write a signalbox.yaml to start from
  signalbox apply${config.padEnd(32)} show what it would change, and change it
  signalbox agent enrol NAME --save              give an agent its secret
  signalbox run --agent NAME --intent "…" -- COMMAND

Whatever runs as this user can read the key of this data directory. Run agents as another user
or on another machine; \`signalbox doctor\` says how things stand here. Ctrl-C stops Signalbox.
`);
}
