import type { HaltReach } from '../../../broker/broker.ts';
import type { StandingHalt } from '../../../broker/standing.ts';
import type { Bundle } from '../../../domain/bundle.ts';
import { AUTOMATIC, type Halt, LOCAL } from '../../../domain/halt.ts';
import type { RunSummary } from '../../../domain/store.ts';
import { LONGEST_REASON } from '../deeds.ts';
import { reachWords, stillAlive } from '../halt-words.ts';
import { type Html, html } from '../html.ts';
import { csrfField } from './layout.ts';
import { ago, code, shown, tag } from './words.ts';

/** Scopes an operator can pull here. */
const KINDS = [
  ['all', 'Everything'],
  ['agent', 'An agent, with all its runs'],
  ['run', 'A run'],
  ['tool', 'A tool'],
  ['connection', 'A connection'],
  ['credential', 'One credential, by its handle'],
  ['model', 'A model, as agents declare it'],
] as const;

export function haltsInForce(
  halts: readonly StandingHalt[],
  place: { readonly now: number; readonly csrf: string | null },
): Html | null {
  if (halts.length === 0) return null;
  return html`<section aria-labelledby="halts-title"><h2 id="halts-title">Halts in force</h2>
${halts.map(
  (halt, index) => html`<article class="card card-bad">
<h3>${code(halt.scope)} ${
    halt.state === 'inert'
      ? tag(
          'inert: minted credentials are confirmed dead; a fixed secret is only dropped here: rotate it',
          'good',
        )
      : tag('gated: nothing new runs; credentials are being confirmed dead', 'warn')
  }</h3>
<p>${shown(halt.reason)} <span class="quiet">— ${shown(halt.by)}, ${ago(halt.at, place.now)}</span></p>
${halt.credentials.length === 0 && halt.flights === 0 ? null : html`<ul>${stillAlive(halt).map((line) => html`<li>${shown(line)}</li>`)}</ul>`}
<form class="row" method="post" action="/resume">${csrfField(place.csrf)}
<input type="hidden" name="scope" value="${halt.scope}">
<div><label for="resume-${index}">Why it can go on</label>
<input type="text" id="resume-${index}" name="reason" required maxlength="${LONGEST_REASON}" autocomplete="off"></div>
<div><label for="key-${index}">Your operator key <span class="quiet">(only if nobody else can lift it)</span></label>
<input type="password" id="key-${index}" name="key" maxlength="200" autocomplete="off"></div>
<button>Resume</button></form>
<p class="quiet">${whoMay(halt)}</p>
</article>`,
)}</section>`;
}

function whoMay({ scope, by }: Halt): string {
  if (scope === 'all' || by === AUTOMATIC || by === LOCAL) return 'An owner lifts it.';
  return 'Somebody else than who raised it lifts it; a lone operator does with the key itself, and the ledger says so.';
}

/** Leads to a page that shows the reach; pulls nothing by itself, so it is a plain GET. */
export function haltSwitch(bundle: Bundle, live: readonly RunSummary[]): Html {
  const names = [
    ...Object.keys(bundle.agents),
    ...Object.keys(bundle.tools),
    ...Object.keys(bundle.connections),
    ...Object.values(bundle.agents).flatMap(({ model }) => model ?? []),
    ...live.map(({ run }) => run.id),
  ];
  return html`<section id="halt" aria-labelledby="halt-title"><h2 id="halt-title">Halt</h2>
<div class="card"><p>A halt takes effect at once: no new action, what is in flight is aborted, waiting approvals are void,
minted credentials are revoked at their source. A fixed secret is dropped here and stays valid there.</p>
<form class="row" method="get" action="/halt">
<div><label for="halt-kind">What to halt</label>
<select id="halt-kind" name="kind">${KINDS.map(([kind, label]) => html`<option value="${kind}">${label}</option>`)}</select></div>
<div><label for="halt-name">Its name (not for everything)</label>
<input type="text" id="halt-name" name="name" list="halt-names" autocomplete="off">
<datalist id="halt-names">${[...new Set(names)].map((name) => html`<option value="${name}"></option>`)}</datalist></div>
<button>Show what it reaches</button></form></div></section>`;
}

export function haltConfirm(reached: HaltReach, csrf: string | null): Html {
  return html`<h1>Halt ${code(reached.scope)}?</h1>
<div class="card card-bad"><p>This will reach, right now:</p>
<ul>${reachWords(reached).map((line) => html`<li>${shown(line)}</li>`)}</ul>
<p class="quiet">Run tokens in this scope are revoked for good; after a resume, agents start new runs.</p>
<form class="row" method="post" action="/halt">${csrfField(csrf)}
<input type="hidden" name="scope" value="${reached.scope}">
<div><label for="reason">Reason (kept in the ledger)</label>
<input type="text" id="reason" name="reason" required autofocus maxlength="${LONGEST_REASON}" autocomplete="off"></div>
<button class="stop">Halt now</button> <a href="/">Leave it running</a></form></div>`;
}
