import type { HaltReach, HaltReport } from '../broker/broker.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { Halt } from '../domain/halt.ts';
import { endOf, inertLabel } from '../surfaces/admin/halt-words.ts';
import { plain } from '../surfaces/admin/reveal.ts';
import type { Call, Command, Option } from './command.ts';
import { confirm } from './confirm.ts';
import { count, duration, fields, type Style } from './render.ts';

const KINDS = ['run', 'agent', 'tool', 'connection', 'credential', 'model'];
const REASON: Option = { type: 'string', value: 'TEXT', summary: 'kept in the ledger' };
const YES: Option = { type: 'boolean', short: 'y', summary: 'do not ask' };
const USAGE = 'all | run ID | agent NAME | tool NAME | connection NAME';

export const halt: Command = {
  name: 'halt',
  summary: 'stop at once: nothing new runs, what flies is aborted, credentials are revoked',
  usage: USAGE,
  positionals: [1, 2],
  options: { reason: REASON, yes: YES },
  run: async (call) => {
    const scope = scopeOf(call);
    const reason = reasonOf(call);
    if (call.options.yes !== true) {
      const { reach } = await call.api.post('/api/halts', { scope, preview: true });
      await confirm(call, reachText(reach as unknown as HaltReach), `Halt ${scope}?`);
    }
    const done = await call.api.post('/api/halts', { scope, reason });
    return { json: done, text: reportText(done.report as unknown as HaltReport, call.style) };
  },
};

export const resume: Command = {
  name: 'resume',
  summary: 'lift a halt; tokens that it revoked stay revoked',
  usage: USAGE,
  positionals: [1, 2],
  options: { reason: REASON },
  run: async (call) => {
    const scope = scopeOf(call);
    const done = await call.api.post('/api/resume', { scope, reason: reasonOf(call) });
    const lifted = done.halt as unknown as Halt;
    return { json: done, text: `resumed ${plain(lifted.scope)}; agents go on with new runs` };
  },
};

function scopeOf({ positionals: [kind = '', name] }: Call): string {
  if (kind === 'all' && name === undefined) return 'all';
  if (KINDS.includes(kind) && name !== undefined) return `${kind}:${name}`;
  throw new SignalboxError('USAGE', `expected ${USAGE}, got \`${[kind, name].join(' ').trim()}\``);
}

function reasonOf({ options: { reason } }: Call): string {
  if (typeof reason === 'string' && reason.trim() !== '') return reason;
  throw new SignalboxError('USAGE', 'expected `--reason "…"`: it is kept in the ledger');
}

function reachText({ scope, runs, flights, asks, leases }: HaltReach): string {
  return `halting ${plain(scope)} reaches, right now: ${count(runs, 'live run')}, ${count(flights, 'action')} in flight, ${count(asks, 'waiting approval')}, ${count(leases, 'live credential')}`;
}

function reportText(report: HaltReport, style: Style): string {
  const head = fields(
    [
      ['halted', report.halt.scope],
      ['nothing new runs after', duration(report.gateMs)],
      ['aborted in flight', report.aborted],
      ['approvals made void', report.voided],
      [
        inertLabel(report),
        report.inertMs === null ? 'not yet: revocation goes on' : duration(report.inertMs),
      ],
    ],
    style,
  );
  const leases = report.leases.map(
    ({ handle, dead, ms, note }) =>
      `  ${dead ? style.good('dead') : style.bad(endOf(report, { dead }))} ${plain(handle)} ${duration(ms)} ${plain(note)}`,
  );
  return [head, ...leases].join('\n');
}
