/**
 * A stdio tool that does not want to die: it and its grandchild ignore SIGTERM, and the grandchild goes on working. What
 * they do is noted, with the time, in the file named on the command line.
 */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { JsonObject } from '../../src/domain/json.ts';

const [notes = '', who = ''] = process.argv.slice(2);
const LINGER_MS = 4_000;
const GRANDCHILD = `
  process.on('SIGTERM', () => {});
  const note = () => require('node:fs').appendFileSync(process.argv[1], 'beat ' + process.argv[2] + ' ' + process.pid + ' ' + Date.now() + '\\n');
  note();
  setInterval(note, 25);
  setTimeout(() => process.exit(), 120_000); // should the harness itself be killed, it is not here for ever
`;

process.on('SIGTERM', () => {});
let grandchild = false;

const say = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const note = (what: string): void =>
  appendFileSync(notes, `${what} ${who} ${process.pid} ${Date.now()}\n`);
const tool = (name: string): JsonObject => ({
  name,
  description: name,
  inputSchema: { type: 'object', properties: { mark: { type: 'string' } } },
});

function called(id: unknown, name: string): void {
  if (!grandchild) {
    grandchild = true;
    spawn(process.execPath, ['-e', GRANDCHILD, notes, who], { stdio: 'ignore' });
  }
  note('called');
  const answer = (): void => {
    note('answered');
    say({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'there' }] } });
  };
  if (name.startsWith('linger')) setTimeout(answer, LINGER_MS);
  else answer();
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const reply = (result: JsonObject): void => say({ jsonrpc: '2.0', id, result });
  switch (method) {
    case 'initialize':
      return reply({
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'stubborn', version: '1' },
      });
    case 'tools/list':
      return reply({ tools: [tool(`linger_${who}`), tool(`touch_${who}`)] });
    case 'tools/call':
      return called(id, String(params.name));
    default:
      return say({ jsonrpc: '2.0', id, error: { code: -32601, message: 'unknown' } });
  }
});
