import type { VerifiedGrants } from '../domain/verified.ts';
import { plain } from '../surfaces/admin/reveal.ts';
import type { Command } from './command.ts';
import { EXIT } from './exit.ts';
import { progress } from './progress.ts';
import { count, type Style } from './render.ts';

export const verify: Command = {
  name: 'verify',
  summary: 'try at the databases, with minted credentials, everything that no tool needs',
  usage: '',
  positionals: [0, 0],
  options: {
    agent: { type: 'string', value: 'NAME', summary: 'only this agent' },
    connection: { type: 'string', value: 'NAME', summary: 'only this connection' },
  },
  run: async ({ api, io, options, style }) => {
    const named = (option: unknown): string => (typeof option === 'string' ? option : '');
    const wish = { agent: named(options.agent), connection: named(options.connection) };
    const found = await progress(io, 'verifying', api.post('/api/verify', wish));
    const verified = found.verified as unknown as readonly VerifiedGrants[];
    return {
      json: found,
      text:
        verified.length === 0
          ? 'no agent holds a tool at a database'
          : verified.map((one) => textOf(one, style)).join('\n\n'),
      exit: found.ok === true ? EXIT.ok.code : EXIT.failed.code,
    };
  },
};

function textOf(one: VerifiedGrants, style: Style): string {
  const { agent, connection, tools, probes, beyond, notes, ok, fault } = one;
  const refused = probes.filter(({ allowed }) => !allowed).length;
  const needed = probes.filter(({ allowed, needed }) => allowed && needed).length;
  const head = `${plain(agent)} at ${plain(connection)} (${count(tools.length, 'tool')})`;
  return [
    `${head}: ${ok ? style.good('least privilege holds') : style.bad('least privilege does not hold')}`,
    ...(fault === null
      ? [
          `  ${count(refused, 'thing')} that no tool needs refused by the database, ${needed} that tools need allowed`,
        ]
      : [`  ${style.bad('could not be tried')} ${plain(fault)}`]),
    ...beyond.map((what) => `  ${style.bad('may')} ${plain(what)}`),
    ...notes.map((what) => `  ${style.dim('note')} ${plain(what)}`),
  ].join('\n');
}
