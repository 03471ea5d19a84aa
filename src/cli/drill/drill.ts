import type { HaltReach } from '../../broker/broker.ts';
import type { DrilledCredential, DrillReport } from '../../domain/drill.ts';
import type { JsonObject } from '../../domain/json.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Call, Command } from '../command.ts';
import { confirm } from '../confirm.ts';
import { EXIT } from '../exit.ts';
import { progress } from '../progress.ts';
import { count, duration, fields, moment, type Style } from '../render.ts';

export const drill: Command = {
  name: 'drill',
  summary: 'halt the canary of the plan for real, try everything again, and time how long it took',
  usage: '',
  positionals: [0, 0],
  options: {
    agent: {
      type: 'string',
      value: 'NAME',
      summary: 'halt this agent instead, and leave it halted (`signalbox resume` lifts it)',
    },
    yes: { type: 'boolean', short: 'y', summary: 'do not ask' },
  },
  run: async (call) => {
    const { api, io, options, style } = call;
    const agent = typeof options.agent === 'string' ? options.agent : '';
    if (agent !== '') await confirmNamed(call, agent);
    const done = await progress(io, 'drilling', api.post('/api/drills', { agent }));
    const report = done.report as unknown as DrillReport;
    return {
      json: done.report as JsonObject,
      text: reportText(report, style),
      exit: report.ok ? EXIT.ok.code : EXIT.failed.code,
    };
  },
};

/** Somebody's work is cut off: what the halt will reach is shown first, as for any halt. */
async function confirmNamed(call: Call, agent: string): Promise<void> {
  const scope = `agent:${agent}`;
  const { reach } = await call.api.post('/api/halts', { scope, preview: true });
  const { runs, flights, asks, leases } = reach as unknown as HaltReach;
  const what = `this halts ${plain(scope)} for real, and it stays halted: ${count(runs, 'live run')}, ${count(flights, 'action')} in flight, ${count(asks, 'waiting approval')}, ${count(leases, 'live credential')}`;
  await confirm(call, what, `Drill with ${agent}?`);
}

export function reportText(report: DrillReport, style: Style): string {
  const { parts, timeToInertMs, credentials, probes, controls, problems, untried } = report;
  const ms = (value: number | null): string => (value === null ? 'not known' : duration(value));
  const tell = (held: boolean, good: string, bad: string): string =>
    held ? style.good(good) : style.bad(bad);
  return [
    report.ok ? style.good('the drill passed') : style.bad('the drill failed'),
    fields(
      [
        ['drill', report.id],
        ['halted', report.scope],
        ['inert after', ms(timeToInertMs)],
        ['gate', ms(parts.gateMs)],
        ['in flight', ms(parts.inflightMs)],
        ['issuers', ms(parts.issuerMs)],
        ['last effect', report.kind === 'named' ? 'no canary' : ms(parts.effectMs)],
        ['replicas', report.replicas],
      ],
      style,
    ),
    ...probes.map(
      ({ name, held, got }) =>
        `  ${tell(held, 'refused', 'NOT REFUSED')} ${plain(name)} (${plain(got)})`,
    ),
    ...controls.map(
      ({ name, held, got }) =>
        `  ${tell(held, 'worked', 'DID NOT WORK')} ${plain(name)} (${plain(got)})`,
    ),
    ...credentials.map((credential) => credentialText(credential, style)),
    ...untried.map((what) => `  ${style.dim('not tried')} ${plain(what)}`),
    ...problems.map((problem) => `  ${style.bad('because')} ${plain(problem)}`),
  ].join('\n');
}

function credentialText(credential: DrilledCredential, style: Style): string {
  const { verdict, handle, connection, until } = credential;
  const end = verdict === 'dead' ? style.good('dead') : style.bad(verdict.toUpperCase());
  const later = until === null ? '' : `, ends by itself at ${moment(until)}`;
  return `  ${end} ${plain(handle)} at ${plain(connection)}${later}`;
}
