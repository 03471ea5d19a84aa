import { canonical, type JsonObject } from '../../../domain/json.ts';
import { type AskView, servedWords } from '../ask-view.ts';
import { LONGEST_REASON } from '../deeds.ts';
import { type Html, html } from '../html.ts';
import { measuredDiff } from './diff.ts';
import { csrfField } from './layout.ts';
import { agentWords, chainOf, code, facts, shown, tag, when } from './words.ts';

/** Rows shown on the page that lists every ask; the ask's own page shows all of them. */
export const ROWS_IN_LIST = 50;

export interface AskPlace {
  readonly now: number;
  readonly csrf: string | null;
  readonly most: number;
}

/** One ask, rendered from the bytes that will run. The agent's words stand apart. */
export function askCard(view: AskView, place: AskPlace): Html {
  const own = `/approvals/${encodeURIComponent(view.id)}`;
  return html`<article class="card card-warn" id="${view.id}" aria-labelledby="${view.id}-title">
<h3 id="${view.id}-title">${code(view.tool)} on ${code(view.connection ?? view.target)} ${environment(view)} ${nature(view)}</h3>
${view.problem === null ? null : html`<p class="alert" role="alert"><strong>This cannot be approved:</strong> ${view.problem}.</p>`}
${facts([
  ['Its server calls it', view.title === null ? null : shown(view.title)],
  [
    'Agent',
    html`${code(view.agent)}${view.owner === null ? null : html` <span class="quiet">answerable:</span> ${shown(view.owner)}`}`,
  ],
  ['Acts for', chainOf(view.actsFor)],
  ['Run', html`<a href="/runs/${encodeURIComponent(view.runId)}">${shown(view.runId)}</a>`],
  [
    'Why it is asked',
    html`<a href="/runs/${encodeURIComponent(view.runId)}#${encodeURIComponent(view.actionId)}">the checks of this action</a>`,
  ],
  ['Asked', when(view.askedAt, place.now)],
  ['Expires', when(view.expiresAt, place.now)],
])}
${whatRuns(view)}
${whatChanges(view, place.most, own)}
${agentWords('What the run says it is for', view.intent)}
<details><summary>What this approval is bound to</summary>
${facts([
  ['Approval', html`<a href="${own}">${view.id}</a>`],
  ['Digest of the whole ask', code(view.digest)],
  [
    'Rows as they are now (pre-state)',
    view.preState === null ? 'not measured' : code(view.preState),
  ],
  ['Tool definition', code(view.toolDigest)],
  ['Target', code(view.target)],
])}
<p class="quiet">It is used once, by this run, for these arguments, before it expires. If the rows move before then, it is void.</p></details>
${answered(view, place.now)}
${view.state === 'pending' ? answerForms(view, place.csrf) : null}
</article>`;
}

function environment(view: AskView): Html | null {
  if (view.environment === null) return null;
  return tag(view.environment, view.environment === 'production' ? 'bad' : 'plain');
}

function nature(view: AskView): Html | null {
  if (view.effect === null) return null;
  const undo =
    view.reversibility === 'none'
      ? tag('cannot be undone', 'bad')
      : view.reversibility === 'declared'
        ? tag('undo declared, never tried', 'warn')
        : tag('undo exercised', 'good');
  return html`${tag(view.effect, view.effect === 'destroy' ? 'bad' : 'warn')} ${undo}`;
}

/** The statement or request with the arguments as canonical JSON: nothing shortened, nothing prettified. */
function whatRuns(view: AskView): Html {
  return html`<h4>What will run</h4>
${view.binding === null ? null : bindingOf(view.binding)}
<p class="quiet">Arguments, exactly${
    view.argumentsText === null ? null : html` (${Buffer.byteLength(view.argumentsText)} bytes)`
  }</p>
<pre>${view.argumentsText === null ? html`<em>erased</em>` : shown(view.argumentsText)}</pre>
${
  view.sentText === null
    ? null
    : html`<p class="quiet">Sent, with what the operator fixed</p>
<pre>${shown(view.sentText)}</pre>`
}
${
  view.provenance.length === 0
    ? null
    : html`<p class="quiet">Where its values come from</p>
<ul>${view.provenance.map((line) => html`<li>${shown(line)}</li>`)}</ul>`
}
${view.continuationText === null ? null : agentWords('Its answers to what the target asked before, sent with it', view.continuationText)}
${view.settings === null ? null : html`<p class="quiet">At ${code(canonical(view.settings))}</p>`}`;
}

/** A statement over its own lines; everything else the connector keeps, as it keeps it. */
export function bindingOf(binding: JsonObject): Html {
  const { sql, statement, ...others } = binding;
  const text = [statement, sql].find((value) => typeof value === 'string');
  const served = servedWords(binding);
  return html`${served === null ? null : html`<p>${shown(served)}</p>`}
${text === undefined ? null : html`<pre>${shown(String(text), true)}</pre>`}
${
  Object.keys(others).length === 0
    ? null
    : text === undefined
      ? html`<pre>${shown(canonical(others))}</pre>`
      : html`<details><summary>What the connector derived from it</summary><pre>${shown(canonical(others))}</pre></details>`
}`;
}

function whatChanges(view: AskView, most: number, own: string): Html {
  if (view.shownText !== null)
    return html`<h4>What it would change <span class="quiet">(as ${code(view.shownBy ?? 'its preview')} says: a read that was made for this)</span></h4>
<p class="quiet">The words of a target, not measured; they may be others when it runs.</p>
<pre>${shown(view.shownText, true)}</pre>`;
  if (view.measured === null)
    return html`<h4>What it would change</h4>
<p class="alert warned"><strong>Not previewed.</strong> This target cannot say before what an action would change.
Judge by what will run.</p>`;
  return html`<h4>What it would change <span class="quiet">(run, measured and cancelled: nothing has happened yet)</span></h4>
${measuredDiff(view.measured, most, own)}`;
}

function answered(view: AskView, now: number): Html | null {
  if (view.state === 'pending') return null;
  return html`<p><strong>${STATES[view.state]}</strong>${
    view.answeredBy === null ? null : html` by ${shown(view.answeredBy)}`
  }${view.answeredAt === null ? null : html`, ${when(view.answeredAt, now)}`}</p>`;
}

const STATES: { readonly [S in AskView['state']]: string } = {
  pending: 'Waiting',
  approved: 'Approved, not yet used',
  used: 'Approved and used',
  refused: 'Refused',
  void: 'Void',
  expired: 'Expired',
};

/** The first button is what Enter in a field presses; it is disabled, so that nobody approves by finishing a sentence. */
function answerForms(view: AskView, csrf: string | null): Html {
  const field = `${view.id}-because`;
  return html`<form class="row" method="post" action="/approvals/${encodeURIComponent(view.id)}/answer">
<button disabled hidden></button>${csrfField(csrf)}<input type="hidden" name="digest" value="${view.digest}">
<div><label for="${field}">Because (kept in the ledger)</label>
<input type="text" id="${field}" name="because" maxlength="${LONGEST_REASON}" autocomplete="off"></div>
${view.problem === null ? html`<button class="main" name="answer" value="approved">Approve exactly this</button>` : null}
<button name="answer" value="refused">Refuse</button>
</form>`;
}
