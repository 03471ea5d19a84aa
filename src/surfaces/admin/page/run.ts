import { canonical, isJsonObject, type Json, type JsonObject } from '../../../domain/json.ts';
import type { Measured } from '../../../domain/proposal.ts';
import { partsOfWire, wantLines } from '../../../ledger/wire-words.ts';
import type { RunView } from '../desk.ts';
import { type Html, html } from '../html.ts';
import { type EventView, textOf, type VerdictView } from '../timeline.ts';
import { measuredDiff } from './diff.ts';
import { agentWords, chainOf, code, facts, shown, tag, when } from './words.ts';

/** One run: what it says it is for, and its records in the order of the ledger, each one whole. */
export function runPage(view: RunView, now: number): Html {
  const { run } = view;
  const id = encodeURIComponent(run.id);
  return html`<h1>Run ${code(run.id)} ${tag(run.state, run.state === 'live' ? 'good' : 'plain')}</h1>
${view.halts.map(({ scope, state }) => html`<p class="alert">Halted: ${code(scope)} (${state}).</p>`)}
${facts([
  ['Agent', code(run.agent)],
  ['Started', when(run.startedAt, now)],
  ['Ends by itself', run.state === 'live' ? when(run.expiresAt, now) : null],
  ['Ended', run.endedAt === null ? null : when(run.endedAt, now)],
  [
    'Own limits',
    Object.keys(run.budget).length === 0 ? 'none beyond the bundle’s' : code(canonical(run.budget)),
  ],
  ['Held to the tools', run.tools === null ? null : code(run.tools.join(', '))],
  ['On behalf of user', run.subject === undefined ? null : code(run.subject)],
  ['Acts for', chainOf(run.actsFor)],
])}
${agentWords('What it says it is for', intentOf(view))}
${run.state === 'live' ? html`<p><a href="/halt?kind=run&amp;name=${id}">Halt this run</a></p>` : null}
<h2>What happened</h2>
<ol class="timeline">${view.events.map((event) => entry(event, now))}</ol>
${view.more ? html`<p><a href="?after=${view.events.at(-1)?.seq ?? 0}">There are more records: read on</a></p>` : null}`;
}

function intentOf({ run, events }: RunView): string | null {
  return events.some(({ type, erased }) => type === 'run.begun' && erased) ? null : run.intent;
}

function entry(event: EventView, now: number): Html {
  const { body } = event;
  // An ask links to the record that holds its checks by the action's id; there is one of those for each action.
  const anchor = event.verdicts.length > 0 ? (event.action ?? '') : `record-${event.seq}`;
  const tool = textOf(body.tool);
  const connection = textOf(body.connection);
  return html`<li id="${anchor}" class="${moodOf(event)}">
<h3>${titleOf(event)}${tool === null ? null : html` ${code(tool)}`}${connection === null ? null : html` <span class="quiet">at</span> ${code(connection)}`} ${outcomeTag(body)}</h3>
<p class="quiet">${when(event.at, now)} · record ${event.seq} · ${event.code ?? ''} ${event.action === null ? null : html`· ${code(event.action)}`}</p>
${verdicts(event)}
${event.erased ? html`<p class="quiet">What was said here has been erased. The chain still holds its commitment.</p>` : payload(event)}
<details><summary>The record as chained</summary><pre>${shown(canonical(body))}</pre><p class="quiet">hash ${code(event.hash)}</p></details>
</li>`;
}

/** Its agent was observed: what the check says held nothing down. */
function lifted({ would }: VerdictView): Html | null {
  return would === undefined ? null : tag(`observed, would be ${would}`, 'bad');
}

function verdicts({ verdicts: found }: EventView): Html | null {
  if (found.length === 0) return null;
  return html`<details><summary>${found.length} checks</summary><ul class="verdicts">${found.map(
    (verdict) => html`<li>${lifted(verdict)}
${tag(verdict.ceiling, verdict.ceiling === 'deny' ? 'bad' : verdict.ceiling === 'auto' ? 'good' : 'warn')}
<strong>${shown(verdict.check)}</strong> ${verdict.reason === null ? code(verdict.code) : shown(verdict.reason)}${
      verdict.fix === null ? null : html` <span class="quiet">${shown(verdict.fix)}</span>`
    }</li>`,
  )}</ul></details>`;
}

/** What was said, member by member, whole. Reasons are above; digests are in the record. */
function payload({ payload: said, type }: EventView): Html | null {
  if (said === null) return null;
  const members = Object.entries(said).filter(
    ([name, value]) => value !== null && !['reasons', 'argumentsDigest', 'askKey'].includes(name),
  );
  if (members.length === 0 || type === 'run.begun') return null;
  return html`${members.map(([name, value]) => html`<p class="quiet">${LABELS[name] ?? name}</p>${member(value)}`)}`;
}

function member(value: Json): Html {
  if (typeof value === 'string') return html`<pre>${shown(value, true)}</pre>`;
  if (isJsonObject(value) && Array.isArray(value.byTable) && Array.isArray(value.images))
    return measuredDiff(value as unknown as Measured, Number.MAX_SAFE_INTEGER, '');
  if (isJsonObject(value) && (typeof value.wire === 'string' || isJsonObject(value.wants)))
    return served(value);
  const text = isJsonObject(value) ? textOf(value.text) : null;
  if (text !== null && isJsonObject(value)) return resultOf(text, value);
  return html`<pre>${shown(canonical(value))}</pre>`;
}

function resultOf(text: string, value: JsonObject): Html {
  const cut = Array.isArray(value.cut) ? value.cut.filter((line) => typeof line === 'string') : [];
  return html`<details><summary>${Buffer.byteLength(text)} bytes</summary><pre>${shown(text, true)}</pre></details>
${cut.map((line) => html`<p class="quiet">cut by a cap: ${shown(line)}</p>`)}`;
}

/** What an MCP server answered, part by part, and what it asked before it would go on. */
function served(value: JsonObject): Html {
  const cut = Array.isArray(value.cut) ? value.cut.filter((line) => typeof line === 'string') : [];
  const asked = isJsonObject(value.wants) ? wantLines(value.wants.questions) : [];
  return html`${partsOfWire(textOf(value.wire) ?? '').map(
    ({ kind, text, bytes, says }) =>
      html`<details><summary>${shown([kind, ...says].join(', '))}, ${bytes} bytes</summary>${
        text === null ? null : html`<pre>${shown(text, true)}</pre>`
      }</details>`,
  )}
${asked.map((line) => html`<p>The target asks first: ${shown(line)}</p>`)}
${cut.map((line) => html`<p class="quiet">cut by a cap: ${shown(line)}</p>`)}`;
}

const LABELS: { readonly [name: string]: string } = {
  arguments: 'Arguments (the agent’s)',
  continuation: 'Answers to what the target asked before (the agent’s)',
  reply: 'The target’s own error',
  measured: 'Measured before commit',
  result: 'Result, as the agent got it',
  refusal: 'Refusal, as the agent got it',
  because: 'Because',
  why: 'Why',
  note: 'Note',
  trace: 'How to ask the target about it',
  binding: 'What the approval is bound to',
  message: 'Message',
  traceparent: 'Trace',
};

const TITLES: { readonly [type: string]: string } = {
  'run.begun': 'Run begun',
  'run.said': 'Said since',
  'run.ended': 'Run ended',
  'run.spent': 'Cost of a model',
  'run.refunded': 'Cost less than held for it',
  'action.intent': 'Intent recorded',
  'action.marked': 'Measured, about to take effect',
  'action.outcome': 'Outcome',
  'action.read': 'Read',
  'action.denied': 'Refused',
  'action.drafted': 'Kept as a draft',
  'action.parked': 'Waits for approval',
  'approval.answered': 'Answered',
  'approval.voided': 'Approval void',
  'lease.written': 'Credential',
  'token.issued': 'Token issued',
  'token.revoked': 'Token revoked',
};

function titleOf({ type, body }: EventView): string {
  const title = TITLES[type] ?? type;
  return body.purpose === 'preview' ? `${title} (preview: measured and cancelled)` : title;
}

function outcomeTag(body: JsonObject): Html | null {
  const word =
    textOf(body.outcome) ?? textOf(body.answer) ?? textOf(body.state) ?? textOf(body.mode);
  if (word === null) return null;
  return tag(word, MOODS[word] ?? 'plain');
}

const MOODS: { readonly [word: string]: 'good' | 'warn' | 'bad' } = {
  done: 'good',
  approved: 'good',
  dead: 'good',
  failed: 'bad',
  refused: 'bad',
  deny: 'bad',
  unknown: 'bad',
  residual: 'bad',
  running: 'warn',
  revoking: 'warn',
  approve: 'warn',
};

function moodOf({ body, type }: EventView): string {
  if (type === 'action.denied' || type === 'approval.voided') return 'is-bad';
  if (type === 'action.parked') return 'is-warn';
  const word = textOf(body.outcome) ?? textOf(body.answer);
  return word === null ? '' : `is-${MOODS[word] ?? 'plain'}`;
}
