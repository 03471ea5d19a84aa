import { join } from 'node:path';
import type { HaltReach, HaltReport } from '../broker/broker.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { Halt } from '../domain/halt.ts';
import { HALT_FILE, haltLine, type LocalHalt } from '../domain/halt-file.ts';
import {
  elsewhere,
  endOf,
  grantWords,
  inertLabel,
  reachWords,
} from '../surfaces/admin/halt-words.ts';
import { plain } from '../surfaces/admin/reveal.ts';
import type { Answer, Call, Command, Option } from './command.ts';
import { confirm } from './confirm.ts';
import { duration, fields, type Style } from './render.ts';
import { dataDirectory } from './up.ts';

const KINDS = ['run', 'agent', 'tool', 'connection', 'credential', 'model'];
const REASON: Option = { type: 'string', value: 'TEXT', summary: 'kept in the ledger' };
const YES: Option = { type: 'boolean', short: 'y', summary: 'do not ask' };
const USAGE =
  'all | run ID | agent NAME | tool NAME | connection NAME | credential HANDLE | model NAME';
const LOCAL: Option = {
  type: 'boolean',
  summary: 'write the halt file of this machine: needs no store, no key and no running Signalbox',
};
const DATA_DIR: Option = {
  type: 'string',
  value: 'DIR',
  summary: 'with `--local`: the data directory to halt',
};

export const halt: Command = {
  name: 'halt',
  summary: 'stop at once: nothing new runs, what flies is aborted, credentials are revoked',
  usage: USAGE,
  positionals: [1, 2],
  options: { reason: REASON, yes: YES, local: LOCAL, 'data-dir': DATA_DIR },
  run: async (call) => {
    const scope = scopeOf(call);
    const reason = reasonOf(call);
    if (call.options.local === true) return locally(call, { scope, reason });
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

/** Acts when the running Signalbox sees it, within 250 ms; when none runs, at its next start. */
async function locally(call: Call, halt: LocalHalt): Promise<Answer> {
  const directory = dataDirectory(call);
  if (call.options.yes !== true)
    await confirm(
      call,
      `this halts ${plain(halt.scope)} at ${directory}, without asking the store what it reaches`,
      'Halt?',
    );
  await call.parts.haltFile(directory).add(haltLine(halt));
  return {
    json: { scope: halt.scope, file: join(directory, HALT_FILE) },
    text: `written to ${join(directory, HALT_FILE)}; a Signalbox that runs there acts within 250 ms, another at its start`,
  };
}

function reachText(reach: HaltReach): string {
  const lines = reachWords(reach).map((line) => `  ${plain(line)}`);
  return `halting ${plain(reach.scope)} reaches, right now:\n${lines.join('\n')}`;
}

function reportText(report: HaltReport, style: Style): string {
  const head = fields(
    [
      ['halted', report.halt.scope],
      ['nothing new runs after', duration(report.gateMs)],
      [
        'aborted in flight',
        `${report.aborted}${report.sent === 0 ? '' : `, ${report.sent} of them sent already`}`,
      ],
      ['streams closed', report.streams],
      ['approvals made void', report.voided],
      [
        inertLabel(report),
        report.inertMs === null ? 'not yet: revocation goes on' : duration(report.inertMs),
      ],
    ],
    style,
  );
  const leases = report.leases.map((lease) => {
    const { handle, dead, ms, note } = lease;
    const end = dead ? style.good('dead') : style.bad(endOf(report, lease));
    return `  ${end} ${plain(handle)} ${duration(ms)} ${plain(note)}`;
  });
  const left = report.left.map((what) => `  ${style.bad('alive')} ${plain(what)}`);
  const others = elsewhere(report).map((line) => `  ${plain(line)}`);
  const grants = report.grants.flatMap(grantWords).map((line) => `  ${plain(line)}`);
  return [head, ...leases, ...grants, ...others, ...left].join('\n');
}
