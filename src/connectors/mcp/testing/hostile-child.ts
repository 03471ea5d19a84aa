/** A server over stdio written by hand, for an older and a newer client; its last argument says how it misbehaves. */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [way = 'well', notes = ''] = process.argv.slice(2);
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const note = (line: string): void => {
  if (notes !== '') appendFileSync(notes, `${line}\n`);
};
const DEAF = "process.on('SIGTERM',()=>{});";
const NOTED =
  "require('node:fs').appendFileSync(process.argv[1],'grandchild '+process.pid+'\\n');setInterval(()=>{},1000)";
/** Starts the next one in a session of its own and ends, so that nobody is its parent any more. */
const orphaning = (env: string): string =>
  `require('node:child_process').spawn(process.execPath,['-e',${JSON.stringify(NOTED)},process.argv[1]],{stdio:'ignore',detached:true${env}}).unref()`;
const lineage = (program: string, detached = false): void => {
  spawn(process.execPath, ['-e', program, notes], { stdio: 'ignore', detached });
};

note(`child ${process.pid}`);
if (way === 'grandchild') {
  process.on('SIGTERM', () => {});
  lineage(DEAF + NOTED);
}
if (way === 'family') {
  lineage(DEAF + NOTED);
  lineage(NOTED, true);
  lineage(orphaning(''));
}
if (way === 'stranger') lineage(orphaning(',env:{}'));
if (way === 'environment') note(JSON.stringify(process.env));

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  const reply = (result: unknown): void => say({ jsonrpc: '2.0', id, result });
  if (id === undefined) return note(method);
  switch (method) {
    case 'server/discover':
      if (way === 'exits at questions') process.exit(1);
      return say({ jsonrpc: '2.0', id, error: { code: -32601, message: 'unknown' } });
    case 'initialize':
      return reply({
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'hostile', version: '1' },
      });
    case 'tools/list':
      return reply({ tools: [{ name: 'echo', inputSchema: { type: 'object' } }] });
    case 'tools/call':
      return called(id, params.arguments, reply);
  }
});

function called(id: number, input: { how?: string }, reply: (result: unknown) => void): void {
  note('called');
  const result = { content: [{ type: 'text', text: `pid ${process.pid}` }] };
  if (input.how === 'die') process.exit(7);
  switch (input.how) {
    case 'die after':
      process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`, () =>
        process.exit(0),
      );
      break;
    case 'noise':
      process.stderr.write('e'.repeat(300_000));
      process.stdout.write('not a message\n[1]\n{"jsonrpc":"2.0","id":424242,"result":{}}\n');
      reply(result);
      break;
    case 'log': {
      process.stdout.write('a line of its log\n'.repeat(600));
      reply(result);
      break;
    }
    case 'pieces': {
      const text = `${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'ß→✓' }] } })}\n`;
      const bytes = Buffer.from(text);
      const write = (at: number): void => {
        if (at === bytes.length) return;
        process.stdout.write(bytes.subarray(at, at + 1), () => setImmediate(write, at + 1));
      };
      write(0);
      break;
    }
    case 'endless': {
      const more = (): void => {
        while (process.stdout.write('x'.repeat(65_536)));
        process.stdout.once('drain', more);
      };
      more();
      break;
    }
    case 'silent':
      break;
    case 'abyss': {
      const data = `${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}`;
      process.stdout.write(
        `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":${data}}}\n`,
      );
      reply(result);
      break;
    }
    default:
      reply(result);
  }
}
