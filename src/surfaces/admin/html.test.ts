import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StandingHalt } from '../../broker/standing.ts';
import type { Bundle } from '../../domain/bundle.ts';
import { effectVector } from '../../domain/effect.ts';

import type { JsonObject } from '../../domain/json.ts';
import type { RunSummary } from '../../domain/store.ts';
import type { AskView } from './ask-view.ts';
import type { RunView } from './desk.ts';
import { Html, html } from './html.ts';
import { askCard } from './page/asks.ts';
import { keyPage, loginPage, setupPage } from './page/entrance.ts';
import { haltConfirm } from './page/halts.ts';
import { homePage } from './page/home.ts';
import { documentOf } from './page/layout.ts';
import { runPage } from './page/run.ts';

const ATTACKS = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' autofocus onfocus=alert(1) x='",
  '</textarea></pre></title><svg/onload=alert(1)>',
  '`{alert(1)}`',
  'javascript:alert(1)',
  '&lt;script&gt;',
  '--><!--',
];

test('everything between the parts is text', () => {
  for (const attack of ATTACKS) {
    const made = String(
      html`<p title="${attack}">${attack}${[attack, html`<b>${attack}</b>`]}</p>`,
    );
    assert.deepEqual(shape(made), ['p title', 'b', '/b', '/p'], made);
  }
});

test('markup is only made by the template', () => {
  assert.equal(String(html`${html`<b>${'<'}</b>`}`), '<b>&lt;</b>');
  assert.equal(String(html`${null}${undefined}${false}${0}`), '0');
  // @ts-expect-error: the key is private; a caller that forges one is refused at run time
  assert.throws(() => new Html(Symbol('made by the html template'), '<script>'), TypeError);
  assert.throws(() => html`${{ toString: () => '<i>' } as unknown as string}`, TypeError);
});

test('no field of any page can change its structure', () => {
  for (const [name, render] of Object.entries(PAGES)) {
    const calm = shape(render('calm'));
    for (const attack of ATTACKS) {
      const attacked = render(attack);
      assert.deepEqual(shape(attacked), calm, `${name}: ${attack}`);
      assert.doesNotMatch(attacked, /href="javascript:/i);
    }
  }
});

test('the shape of a page tells an injected tag', () => {
  assert.notDeepEqual(shape('<p>a<img onerror=x></p>'), shape('<p>a</p>'));
  assert.notDeepEqual(shape('<p title="a" onclick="b">'), shape('<p title="a">'));
});

const PAGES: { readonly [name: string]: (text: string) => string } = {
  ask: (text) =>
    documentOf({ title: text, visitor: visitorOf(text), main: askCard(askOf(text), place(text)) }),
  answered: (text) =>
    String(
      askCard(
        { ...askOf(text), state: 'refused', measured: null, binding: { path: text } },
        place(text),
      ),
    ),
  home: (text) =>
    documentOf({
      title: text,
      visitor: visitorOf(text),
      pulse: text,
      main: homePage({
        now: 1,
        csrf: text,
        bundle: bundleOf(text),
        halts: [haltOf(text)],
        asks: { asks: [askOf(text)], more: true },
        live: { runs: [summaryOf(text, 'live')], more: true },
        ended: { runs: [summaryOf(text, 'ended')], more: true },
      }),
    }),
  run: (text) => String(runPage(runOf(text), 1)),
  halt: (text) =>
    String(
      haltConfirm(
        {
          ...{ scope: text, runs: 1, subRuns: 1, whole: true, flights: 1, sent: 1, asks: 1 },
          ...{ approved: 1, streams: 1, children: 1, leases: 1 },
          credentials: [
            { connection: text, revocability: 'none', count: 1, until: 1, alsoEnds: 0 },
          ],
          grants: [{ connection: text, ends: 1, stays: 1 }],
        },
        text,
      ),
    ),
  login: (text) => String(loginPage(text)),
  setup: (text) => String(setupPage(text, text)),
  key: (text) => String(keyPage(text, text)),
};

/** Tags in order, each with the names of its attributes: what a browser would build. */
function shape(markup: string): string[] {
  return [
    ...markup.matchAll(
      /<(\/?[a-zA-Z][^\s>/]*|!--)((?:\s+[^\s=>]+(?:="[^"]*"|=[^\s>]*)?)*)\s*\/?>?/g,
    ),
  ].map(([, tag = '', attributes = '']) =>
    [
      tag,
      ...[...attributes.matchAll(/\s+([^\s=>]+)(?:="[^"]*"|=[^\s>]*)?/g)].map(([, name]) => name),
    ].join(' '),
  );
}

function place(csrf: string) {
  return { now: 1, csrf, most: 50 };
}

function visitorOf(text: string) {
  return { operator: { name: text, role: 'owner' as const }, csrf: text };
}

function askOf(text: string): AskView {
  return {
    id: text,
    state: 'pending',
    digest: text,
    askedAt: 0,
    expiresAt: 2,
    answeredBy: text,
    answeredAt: 1,
    actionId: text,
    runId: text,
    agent: text,
    owner: text,
    actsFor: [{ run: text, agent: text }],
    intent: text,
    tool: text,
    title: text,
    toolDigest: text,
    effect: 'write',
    reversibility: 'none',
    target: text,
    connection: text,
    environment: text,
    settings: { [text]: text },
    binding: { sql: text, [`x${text}`]: text },
    derivation: [text],
    arguments: { [text]: text },
    argumentsText: text,
    provenance: [`arg to = ${text}, unknown: in nothing that was read here`],
    sentText: null,
    shownBy: null,
    shownText: null,
    continuationText: text,
    measured: {
      effect: effectVector({}),
      byTable: [{ table: text, inserted: 1, updated: 1, deleted: 1 }],
      images: [
        { table: text, before: { [text]: text }, after: { [text]: `${text}2` } },
        { table: text, before: null, after: { [text]: text } },
        { table: text, before: { [text]: text }, after: null },
      ],
      imagesComplete: false,
      preState: text,
    },
    preState: text,
    problem: text,
  };
}

function bundleOf(name: string): Bundle {
  return {
    digest: name,
    format: 1,
    organisation: { name, domains: [name] },
    connections: { [name]: { name, kind: name, environment: name, settings: {} } },
    tools: {},
    agents: { [`a${name}`]: { name, owner: name } },
    grants: [],
    limits: {},
    approvalMinutes: 60,
  };
}

function haltOf(text: string): StandingHalt {
  return {
    ...{ scope: text, epoch: 1, reason: text, by: text, at: 0, state: 'gated' },
    ...{ recorded: false, flights: 1 },
    credentials: [
      {
        ...{ handle: text, connection: text, revocability: 'instant', until: 1 },
        ...{ tryingSince: 1, tries: 1, why: text },
      },
    ],
  };
}

function summaryOf(text: string, state: 'live' | 'ended'): RunSummary {
  const run = {
    ...{ id: text, root: text, parent: text, depth: 1, agent: text, intent: text, state },
    ...{ startedAt: 0, expiresAt: 2, endedAt: null, budget: {} },
    ...{ tools: null, actsFor: [] },
  };
  return { run, replica: text, actions: 1, refused: 1, pendingApprovals: 1, lastAt: 0 };
}

function runOf(text: string): RunView {
  const verdict = { check: text, ceiling: text, code: text, reason: text, fix: text };
  const event = {
    ...{ seq: 1, at: 0, type: `t${text}`, code: text, hash: text, erased: false, action: text },
    body: { tool: text, connection: text, outcome: text, [text]: text },
    payload: {
      arguments: { [text]: text },
      why: text,
      result: { text, cut: [text] },
      measured: askOf(text).measured as unknown as JsonObject,
    },
    verdicts: [verdict],
  };
  return { run: summaryOf(text, 'live').run, halts: [haltOf(text)], events: [event], more: true };
}
