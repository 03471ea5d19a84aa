import type { StandingHalt } from '../../../broker/standing.ts';
import type { Bundle } from '../../../domain/bundle.ts';
import type { RunSummary } from '../../../domain/store.ts';
import type { Asks, Runs } from '../desk.ts';
import { type Html, html } from '../html.ts';
import { observedIn } from '../observe.ts';
import { askCard, ROWS_IN_LIST } from './asks.ts';
import { haltSwitch, haltsInForce } from './halts.ts';
import { ago, code, plural, shown, tag } from './words.ts';

export interface Home {
  readonly now: number;
  readonly csrf: string | null;
  readonly bundle: Bundle;
  readonly halts: readonly StandingHalt[];
  readonly asks: Asks;
  readonly live: Runs;
  readonly ended: Runs;
}

const ENDED_SHOWN = 20;

export function homePage(home: Home): Html {
  const { now, csrf, halts, live } = home;
  const { asks, more } = home.asks;
  const counts = [
    counted(live.runs.length, live.more, 'live run'),
    `${counted(asks.length, more, 'approval')} waiting`,
    `${plural(halts.length, 'halt')} in force`,
  ];
  return html`<h1>${shown(home.bundle.organisation.name)}</h1>
<p class="quiet">${counts.join(', ')}. Active bundle ${code(home.bundle.digest.slice(0, 12))}.</p>
${observing(home)}
${haltsInForce(halts, { now, csrf })}
<section id="asks" aria-labelledby="asks-title"><h2 id="asks-title">Waiting for an answer</h2>
${asks.length === 0 ? html`<p class="quiet">Nothing waits for an answer.</p>` : asks.map((view) => askCard(view, { now, csrf, most: ROWS_IN_LIST }))}
${more ? html`<p class="alert warned"><strong>Older approvals wait that are not shown here.</strong> Answer these first.</p>` : null}
</section>
<section id="runs" aria-labelledby="runs-title"><h2 id="runs-title">Live runs</h2>
${live.runs.length === 0 ? html`<p class="quiet">No run is live. <code>signalbox run --agent NAME --intent "…" -- command</code> starts one.</p>` : runTable('Live runs', live.runs, now)}
${live.more ? html`<p class="alert warned">More runs are live than are shown here.</p>` : null}
</section>
${haltSwitch(home.bundle, live.runs)}
${endedRuns(home.ended, now)}`;
}

/** Loud for as long as it lasts. */
function observing({ bundle, now }: Home): Html | null {
  const agents = observedIn(bundle, now).filter(({ on }) => on);
  if (agents.length === 0) return null;
  return html`<p class="alert" role="alert"><strong>Not enforced.</strong> ${agents.map(
    ({ agent, until }) =>
      html`${code(agent)} is observed until ${new Date(until).toISOString().slice(0, 10)}. `,
  )}What policies, provenance and consults say of it is recorded and holds nothing that can be taken back: <code>signalbox observe report</code>.</p>`;
}

function counted(number: number, more: boolean, one: string): string {
  return more ? `more than ${plural(number, one)}` : plural(number, one);
}

function endedRuns({ runs, more }: Runs, now: number): Html | null {
  if (runs.length === 0) return null;
  const left = more || runs.length > ENDED_SHOWN;
  return html`<section aria-labelledby="ended-title"><h2 id="ended-title">Ended lately</h2>
${runTable('Runs that have ended', runs.slice(0, ENDED_SHOWN), now)}
${left ? html`<p class="quiet">The ${ENDED_SHOWN} newest are shown. <code>signalbox run list</code> shows more.</p>` : null}</section>`;
}

function runTable(caption: string, runs: readonly RunSummary[], now: number): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table>
<thead><tr><th scope="col">Run</th><th scope="col">Agent</th><th scope="col">Says it is for <span class="quiet">(its own words)</span></th>
<th scope="col" class="number">Actions</th><th scope="col" class="number">Refused</th><th scope="col" class="number">Waiting</th><th scope="col">Last</th><th scope="col"><span class="quiet">Halt</span></th></tr></thead>
<tbody>${runs.map((summary) => runRow(summary, now))}</tbody></table></div>`;
}

function runRow(
  { run, actions, refused, pendingApprovals, lastAt }: RunSummary,
  now: number,
): Html {
  const id = encodeURIComponent(run.id);
  return html`<tr><th scope="row"><a href="/runs/${id}">${shown(run.id)}</a></th>
<td>${code(run.agent)}</td><td>${shown(run.intent)}</td><td class="number">${actions}</td>
<td class="number">${refused}</td><td class="number">${pendingApprovals === 0 ? '0' : tag(String(pendingApprovals), 'warn')}</td>
<td>${ago(lastAt, now)}</td><td>${
    run.state === 'live'
      ? html`<a href="/halt?kind=run&amp;name=${id}" aria-label="Halt run ${run.id}">halt</a>`
      : null
  }</td></tr>`;
}
