import type { Counterexample, Proven } from '../../broker/prove.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import { progress } from '../progress.ts';
import type { Style } from '../render.ts';
import { sentConfig } from '../sent-config.ts';

export const policyProve: Command = {
  name: 'policy prove',
  summary:
    'whether something can be, over every agent, tool and argument: proven, a counterexample, or unknown; exit code 1 unless proven',
  usage: '[INVARIANT]',
  positionals: [0, 1],
  options: {
    agent: { type: 'string', value: 'NAME', summary: 'of this agent alone' },
    tool: { type: 'string', value: 'NAME', summary: 'of this tool alone' },
    above: {
      type: 'string',
      value: 'RUNG',
      summary: 'can it come above `read`, `draft`, `stage` or `approve`? Instead of an invariant',
    },
    when: {
      type: 'string',
      value: 'CEDAR',
      summary:
        'only where this holds, `context.args.amount_micros > 5000000`; above `approve` unless said',
    },
    config: {
      type: 'string',
      value: 'FILE',
      summary: 'of this signalbox.yaml, not what is active',
    },
  },
  run: async ({ api, io, style, options, positionals: [invariant] }) => {
    const { agent, tool, above, when, config } = options;
    const asked = { invariant, agent, tool, above, when };
    const said = Object.entries(asked).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    );
    const file = typeof config === 'string' ? await sentConfig(io, config) : {};
    const answered = await progress(
      io,
      'proving',
      api.post('/api/policies/prove', { ...file, ...Object.fromEntries(said) }),
    );
    const proofs = answered.proofs as unknown as readonly Proven[];
    const isProven = proofs.every(({ answer }) => answer === 'proven');
    return {
      json: { ok: isProven, ...answered },
      text: proofs.flatMap((proof) => linesOf(proof, style)).join('\n'),
      exit: isProven ? EXIT.ok.code : EXIT.failed.code,
    };
  },
};

function linesOf(proof: Proven, style: Style): readonly string[] {
  const { name, question, answer, settled, counterexample, unknown, ms } = proof;
  const mark = {
    proven: style.good('proven '),
    counterexample: style.bad('CAN BE '),
    unknown: style.strong('unknown'),
  }[answer];
  const by = Object.entries(settled)
    .flatMap(([what, tools]) => (tools === 0 ? [] : `${what} ${tools}`))
    .join(', ');
  const how =
    answer === 'proven'
      ? `  (tools settled by ${by === '' ? 'nothing: there are none' : by}; ${ms} ms)`
      : '';
  return [
    `${mark}  ${plain(name)}: ${plain(question)}${style.dim(how)}`,
    ...(counterexample === null ? [] : exampleLines(counterexample)),
    ...unknown.slice(0, 10).map(({ tool, why }) => `         ${plain(tool)}: ${plain(why)}`),
    ...(unknown.length > 10 ? [`         and ${unknown.length - 10} more tools`] : []),
  ];
}

function exampleLines(example: Counterexample): readonly string[] {
  const { agent, tool, mode, at, run, seen, policies, reason, observed } = example;
  return [
    `agent      ${agent}`,
    `tool       ${tool}, \`${mode}\` at ${at}`,
    `arguments  ${JSON.stringify(example.arguments)}`,
    `run        ${JSON.stringify(run)}${seen === null ? '' : `, has read ${seen.length === 0 ? 'nothing' : seen.join(', ')}`}`,
    `decided    ${policies.length === 0 ? 'by no policy' : policies.join(', ')}: ${reason}`,
    ...(observed ? ['observed   policies hold nothing of what this agent does'] : []),
  ].map((line) => `         ${plain(line)}`);
}
