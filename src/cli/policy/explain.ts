import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { PolicyAnswer } from '../../policy/ask.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Call, Command } from '../command.ts';
import { sentConfig } from '../sent-config.ts';

export const policyExplain: Command = {
  name: 'policy explain',
  summary: 'what the policies say of one made-up action, mode by mode, and which of them decide',
  usage: 'AGENT TOOL',
  positionals: [2, 2],
  options: {
    arguments: { type: 'string', value: 'JSON', summary: 'its arguments' },
    at: {
      type: 'string',
      value: 'TIME',
      summary: 'when it is made, `2026-12-24T23:00Z`; else now',
    },
    measured: {
      type: 'string',
      value: 'JSON',
      summary: 'what it measured before it commits, `{"rowsWritten": 3}`',
    },
    seen: {
      type: 'string',
      value: 'LABELS',
      summary: 'what its run has read: `private`, `pii`, `untrusted`, with commas between them',
    },
    config: {
      type: 'string',
      value: 'FILE',
      summary: 'ask this signalbox.yaml, not what is active',
    },
  },
  run: async (call) => {
    const [agent = '', tool = ''] = call.positionals;
    const { at, seen, config } = call.options;
    const measured = jsonOption(call, 'measured');
    const question = {
      ...{ agent, tool, arguments: jsonOption(call, 'arguments') ?? {} },
      ...(typeof at === 'string' ? { at } : {}),
      ...(measured === null ? {} : { measured }),
      ...(typeof seen === 'string' ? { seen: seen.split(',').filter((one) => one !== '') } : {}),
    };
    const file = typeof config === 'string' ? await sentConfig(call.io, config) : {};
    const asked = await call.api.post('/api/policies/ask', {
      ...file,
      questions: JSON.stringify([question]),
    });
    const [answer] = asked.answers as unknown as PolicyAnswer[];
    if (answer === undefined) throw new SignalboxError('INTERNAL', 'a question without an answer');
    const { bundle = null, alarms = [] } = asked;
    return { json: { bundle, alarms, answer: answer as never }, text: shown(answer) };
  },
};

function jsonOption({ options }: Call, name: string): JsonObject | null {
  const text = options[name];
  if (typeof text !== 'string') return null;
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // told below
  }
  throw new SignalboxError('USAGE', `expected \`--${name}\` to be a JSON object`);
}

function shown({ ceiling, reason, fix, policies, approvers, modes, slice }: PolicyAnswer): string {
  return [
    `ceiling  ${ceiling}`,
    `reason   ${plain(reason)}`,
    ...(fix === null ? [] : [`fix      ${plain(fix)}`]),
    ...(approvers.length === 0 ? [] : [`ask      ${plain(approvers.join(', '))}`]),
    '',
    ...modes.map(({ mode, allowed, policies: by, errors }) => {
      const why = by.length === 0 ? 'no policy permits it' : by.join(', ');
      const broken = errors.length === 0 ? '' : `  cannot be evaluated: ${errors.join(', ')}`;
      return `${mode.padEnd(8)} ${(allowed ? 'allowed' : 'no').padEnd(8)} ${plain(why)}${plain(broken)}`;
    }),
    '',
    `concerned: ${slice.map(({ id, effect }) => `${plain(id)} (${effect})${policies.includes(id) ? ' *' : ''}`).join(', ')}`,
  ].join('\n');
}
