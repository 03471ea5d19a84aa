import { reach } from '../../../broker/reach.ts';
import { standingHalts } from '../../../broker/standing.ts';
import { unhalt } from '../../../broker/unhalt.ts';
import { exposed, SignalboxError } from '../../../domain/errors.ts';
import type { JsonObject } from '../../../domain/json.ts';
import type { Exchange, Route } from '../../http/listener.ts';
import { type Field, type Read, read, readForm } from '../body.ts';
import { answerAsk, haltNow, LONGEST_REASON, scopeOf } from '../deeds.ts';
import type { AdminDeps, Operator } from '../deps.ts';
import { oneAsk, oneRun, openAsks, pulse, runsIn } from '../desk.ts';
import { checkCsrf, type Visitor, visitor } from '../guard.ts';
import { elsewhere, endOf, grantWords, inertLabel } from '../halt-words.ts';
import { type Html, html } from '../html.ts';
import { askCard } from './asks.ts';
import { haltConfirm } from './halts.ts';
import { homePage } from './home.ts';
import { alert, documentOf } from './layout.ts';
import { runPage } from './run.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';
import { facts, shown } from './words.ts';

/** The operator page: works without script, changes state only by forms that carry their session's token. */
export function pageRoutes(deps: AdminDeps): Route[] {
  return [
    ...readPages(deps),
    ...forms(deps),
    file('/page.css', 'text/css; charset=utf-8', STYLE),
    file('/page.js', 'text/javascript; charset=utf-8', SCRIPT),
  ];
}

function readPages(deps: AdminDeps): Route[] {
  const { broker } = deps;
  const { clock } = broker.doors;
  const page = pages(deps);
  return [
    page('/', async (known) => {
      const asks = await openAsks(broker);
      const { stamp } = await broker.store.haltState();
      const halts = await standingHalts(broker);
      const main = homePage({
        now: clock.now(),
        csrf: known.csrf,
        bundle: await broker.bundles.get(stamp.bundle),
        halts,
        asks,
        live: await runsIn(broker, 'live'),
        ended: await runsIn(broker, 'ended'),
      });
      const title = asks.asks.length === 0 ? 'Operations' : `${asks.asks.length} waiting`;
      return { title, main, pulse: await pulse(broker) };
    }),
    page('/runs/{id}', async (_, exchange) => {
      const after = exchange.url.searchParams.get('after') ?? '';
      const from = /^\d{1,15}$/.test(after) ? Number(after) : 0;
      const view = await oneRun(broker, exchange.params.id ?? '', from);
      const watch = view.run.state === 'live' ? { pulse: await pulse(broker) } : {};
      return { title: `Run ${view.run.id}`, main: runPage(view, clock.now()), ...watch };
    }),
    page('/approvals/{id}', async (known, exchange) => {
      const view = await oneAsk(broker, exchange.params.id ?? '');
      const place = { now: clock.now(), csrf: known.csrf, most: Number.MAX_SAFE_INTEGER };
      return {
        title: `Approval of ${view.tool}`,
        main: html`<h1>Approval</h1>${askCard(view, place)}`,
      };
    }),
    page('/halt', async (known, exchange) => {
      const asked = exchange.url.searchParams;
      const scope = scopeOf(asked.get('kind') ?? '', asked.get('name')?.trim() ?? '');
      return { title: 'Halt', main: haltConfirm(await reach(broker, scope), known.csrf) };
    }),
    {
      method: 'GET',
      path: '/pulse',
      async handle(exchange) {
        await visitor(deps, exchange);
        exchange.reply(200, { pulse: await pulse(broker) });
      },
    },
  ];
}

const REASON = { most: LONGEST_REASON } as const;

function forms(deps: AdminDeps): Route[] {
  const { broker } = deps;
  const form = formsOf(deps);
  return [
    form(
      '/approvals/{id}/answer',
      {
        because: { ...REASON, optional: true },
        digest: { most: 128 },
        answer: { most: 20 },
      },
      async ({ because, digest, answer }, by, exchange) => {
        if (answer !== 'approved' && answer !== 'refused')
          throw new SignalboxError('REQUEST_MALFORMED', 'expected `answer` approved or refused');
        await answerAsk(broker, { id: exchange.params.id ?? '', answer, because, digest, by });
        return null;
      },
    ),
    form('/halt', { scope: { most: 200 }, reason: REASON }, async ({ scope, reason }, by) => {
      const report = await haltNow(broker, { scope, reason, by });
      return {
        title: 'Halted',
        main: html`<h1>Halted ${shown(report.halt.scope)}</h1>
<div class="card card-bad">${facts([
          ['Nothing new runs after', `${report.gateMs.toFixed(1)} ms`],
          ['Aborted in flight', report.aborted],
          ['Of those, sent already', `${report.sent} (their effects may have landed)`],
          ['Streams closed', report.streams],
          ['Approvals made void', report.voided],
          ['Not ended here', report.left.length === 0 ? 'nothing' : report.left.join(', ')],
          [
            capital(inertLabel(report)),
            report.inertMs === null
              ? 'not yet: revocation goes on'
              : `${report.inertMs.toFixed(1)} ms`,
          ],
        ])}
<ul>${report.leases.map((lease) => html`<li><code>${shown(lease.handle)}</code> ${endOf(report, lease)} <span class="quiet">${lease.ms.toFixed(0)} ms ${shown(lease.note)}</span></li>`)}
${report.grants.flatMap(grantWords).map((line) => html`<li>${shown(line)}</li>`)}
${elsewhere(report).map((line) => html`<li>${shown(line)}</li>`)}</ul>
<p><a href="/">Back to operations</a></p></div>`,
      };
    }),
    form(
      '/resume',
      { scope: { most: 200 }, reason: REASON, key: { most: 200, optional: true } },
      async ({ scope, reason, key }, by) => {
        const proven = key !== '' && (await deps.operators.authenticateKey(key)).name === by.name;
        await unhalt(broker, { scope, reason, by, proven });
        return null;
      },
    ),
  ];
}

interface Shown {
  readonly title: string;
  readonly main: Html;
  readonly pulse?: string;
}

function pages(deps: AdminDeps) {
  return (path: string, render: (known: Visitor, exchange: Exchange) => Promise<Shown>): Route => ({
    method: 'GET',
    path,
    handle: (exchange) =>
      within(deps, exchange, async (known) => {
        exchange.html(200, documentOf({ visitor: known, ...(await render(known, exchange)) }));
      }),
  });
}

/** Null leads back to the first page, so that a reload never sends a form twice. */
function formsOf(deps: AdminDeps) {
  return <const Fields extends { readonly [name: string]: Field }>(
    path: string,
    fields: Fields,
    deed: (body: Read<Fields>, by: Operator, exchange: Exchange) => Promise<Shown | null>,
  ): Route => ({
    method: 'POST',
    path,
    handle: (exchange) =>
      within(deps, exchange, async (known) => {
        const { csrf, ...rest } = await readForm(exchange);
        if (known.csrf !== null) checkCsrf(deps, exchange, typeof csrf === 'string' ? csrf : null);
        const done = await deed(read(rest as JsonObject, fields), known.operator, exchange);
        if (done === null) exchange.raw(303, 'text/plain', '', { location: '/' });
        else exchange.html(200, documentOf({ visitor: known, ...done }));
      }),
  });
}

/** Who is not logged in is led to the door; a fault becomes a page with its code and what to do. */
async function within(
  deps: AdminDeps,
  exchange: Exchange,
  show: (known: Visitor) => Promise<void>,
): Promise<void> {
  let known: Visitor | null = null;
  try {
    known = await visitor(deps, exchange);
    await show(known);
  } catch (fault) {
    const error = exposed(fault);
    // The listener gives an unexpected fault its incident number; it must not get lost in a page.
    if (error.code === 'INTERNAL') throw fault;
    if (known === null && error.status === 401) {
      const first = (await deps.broker.store.operatorCount()) === 0;
      exchange.raw(303, 'text/plain', '', { location: first ? '/setup' : '/login' });
      return;
    }
    exchange.html(
      error.status,
      documentOf({ title: error.code, visitor: known, main: faultPage(error) }),
    );
  }
}

function faultPage(error: SignalboxError): Html {
  return html`<h1>That did not work</h1>${alert(html`<code>${error.code}</code>: ${shown(error.message)}`)}
<p>${shown(error.help)}</p><p><a href="/">Back to operations</a></p>`;
}

function file(path: string, type: string, text: string): Route {
  return {
    method: 'GET',
    path,
    handle: async (exchange) => exchange.raw(200, type, text, { 'cache-control': 'no-cache' }),
  };
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
