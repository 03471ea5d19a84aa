import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Office, openOffice, START, toolNamed } from './testing/office.ts';

let office: Office;
let cookie: string;
before(async () => {
  office = await openOffice();
  office.clock.at = START;
  const login = await office.call('POST', '/login', { bearer: null, form: { key: office.key } });
  assert.equal(login.status, 303);
  assert.equal(login.headers.get('location'), '/');
  cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
});
beforeEach(() => {
  office.shelf.hides = false;
  office.shelf.measures = true;
});
after(() => office.close());

async function page(path: string): Promise<string> {
  const answer = await office.call('GET', path, { bearer: null, headers: { cookie } });
  assert.equal(answer.status, 200, answer.text);
  return answer.text;
}

/** Sends a form as the browser would: with the hidden fields it found on the page. */
async function send(from: string, action: string, fields: { [name: string]: string }) {
  const form = formOf(await page(from), action);
  return office.call('POST', action, {
    bearer: null,
    headers: { cookie, origin: office.url },
    form: { ...hidden(form), ...fields },
  });
}

function formOf(markup: string, action: string): string {
  const from = markup.indexOf(`action="${action}"`);
  assert.notEqual(from, -1, `no form for ${action}`);
  return markup.slice(from, markup.indexOf('</form>', from));
}

function hidden(form: string): { [name: string]: string } {
  const fields = form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g);
  return Object.fromEntries([...fields].map(([, name, value]) => [name, value]));
}

/** What a reader sees, without markup. */
function words(markup: string): string {
  return markup
    .replace(/<[^>]+>/g, ' ')
    .replace(/&quot;/g, '"')
    .replace(/&#96;/g, '`')
    .replace(/\s+/g, ' ');
}

describe('the page', () => {
  test('leads who is not known to the door, and says nothing before it', async () => {
    for (const path of ['/', '/runs/run_0001', '/approvals/ask_0001', '/halt?kind=all']) {
      const answer = await office.call('GET', path, { bearer: null });
      assert.equal(answer.status, 303, path);
      assert.equal(answer.headers.get('location'), '/login');
      assert.equal(answer.text, '');
    }
    const login = await office.call('GET', '/login', { bearer: null });
    assert.doesNotMatch(login.text, /acme|support|run_/);
    const wrong = await office.call('POST', '/login', { bearer: null, form: { key: 'wrong' } });
    assert.equal(wrong.status, 401);
    assert.equal(wrong.headers.get('set-cookie'), null);
  });

  test('allows no script or style but its own files', async () => {
    const answer = await office.call('GET', '/', { bearer: null, headers: { cookie } });
    const policy = answer.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.doesNotMatch(
      answer.text,
      /<script(?! src="\/page\.js" defer>)|<style| style="| on[a-z]+="/,
    );
    assert.doesNotMatch(answer.text, /(?:src|href)="(?:https?:)?\/\//);
    assert.equal((await office.call('GET', '/page.css', { bearer: null })).status, 200);
    const script = await office.call('GET', '/page.js', { bearer: null });
    assert.match(script.headers.get('content-type') ?? '', /javascript/);
    assert.doesNotThrow(() => new Function(script.text));
  });

  test('can be read by a screen reader: language, landmarks, labels, headings in order', async () => {
    await office.park(await office.begin('labels'), 'Label');
    const markup = await page('/');
    assert.match(markup, /<html lang="en">/);
    for (const landmark of ['<header', '<main id="main"', '<nav aria-label="Pages"'])
      assert.ok(markup.includes(landmark), landmark);
    assert.match(markup, /<a class="skip" href="#main">/);
    const ids = [...markup.matchAll(/<(?:input type="(?:text|password)"|select) id="([^"]+)"/g)];
    assert.ok(ids.length >= 3);
    for (const [, id] of ids) assert.ok(markup.includes(`<label for="${id}">`), id);
    const all = [...markup.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    assert.deepEqual(all, [...new Set(all)], 'every id once');
    const levels = [...markup.matchAll(/<h([1-6])[ >]/g)].map(([, level]) => Number(level));
    assert.equal(levels[0], 1);
    levels.reduce((above, level) => {
      assert.ok(level <= above + 1, `h${above} then h${level}`);
      return level;
    });
  });
});

describe('an ask on the page', () => {
  test('shows the exact bytes, the rows before and after, and the agent’s words apart', async () => {
    const run = await office.begin('please approve\nthis is <b>urgent</b> \u202eevil');
    const id = await office.park(run, 'Eve\u200b');
    const markup = await page(`/approvals/${id}`);
    const text = words(markup);
    assert.ok(text.includes('{"id":7,"name":"Eve U+200B "}'), text);
    assert.ok(markup.includes('update customers set name = :name\nwhere id = :id'));
    assert.match(text, /rename on shop production write/);
    assert.match(text, /customers 0 1 0/);
    assert.match(text, /update 7 "Ada.*" → "Eve U\+200B " "basic"/);
    assert.match(text, /The rows shown are all that would change \(1 row\)/);
    const quoted = /<figure class="agent-words">([\s\S]*?)<\/figure>/.exec(markup)?.[1] ?? '';
    assert.match(quoted, /not checked/);
    assert.match(
      quoted,
      /&lt;b&gt;urgent&lt;\/b&gt; <span class="hidden-mark" title="direction">U\+202E<\/span>evil/,
    );
    assert.ok(!markup.includes('\u202e') && !markup.includes('\u200b'));
    const ask = await office.broker.store.ask(id);
    assert.equal(hidden(formOf(markup, `/approvals/${id}/answer`)).digest, ask?.approval.digest);
  });

  test('says when the images are not the whole effect, and when there is no preview', async () => {
    const run = await office.begin();
    office.shelf.hides = true;
    const partly = await office.park(run, 'Partly');
    assert.match(words(await page(`/approvals/${partly}`)), /The effect is not fully captured/);
    office.shelf.measures = false;
    const blind = await office.park(run, 'Blind');
    const text = words(await page(`/approvals/${blind}`));
    assert.match(text, /Not previewed/);
    assert.doesNotMatch(text, /nothing has happened yet/);
  });

  test('cuts nothing silently', async () => {
    const rows = Array.from({ length: 60 }, () => ({ id: 7, name: 'row' }));
    const kept = office.shelf.rows;
    office.shelf.rows = rows;
    const tools = { many: toolNamed('many', 'write', { cap: { ...MANY } }) };
    await office.activate({
      tools,
      grants: [{ agent: 'support', tool: 'many', rung: 'approve' }],
    });
    const outcome = await office.propose(await office.begin(), 'many', {
      id: 7,
      name: 'x'.repeat(5_000),
    });
    assert.equal(outcome.kind, 'parked');
    const home = await page('/');
    assert.match(words(home), /10 more rows not shown here\. Show every row/);
    assert.ok(home.includes('x'.repeat(5_000)));
    const id = outcome.kind === 'parked' ? outcome.approvalId : '';
    const whole = await page(`/approvals/${id}`);
    assert.equal(whole.match(/<th scope="row">update<\/th>/g)?.length, 60);
    office.shelf.rows = kept;
    await office.activate();
  });

  test('is answered by its form, once, by a name, and only with the token of the session', async () => {
    const id = await office.park(await office.begin(), 'Form');
    const action = `/approvals/${id}/answer`;
    const { csrf: _, ...bare } = hidden(formOf(await page('/'), action));
    const forged = await office.call('POST', action, {
      bearer: null,
      headers: { cookie },
      form: { ...bare, answer: 'approved' },
    });
    assert.equal(forged.status, 403);
    assert.match(words(forged.text), /CSRF/);
    const form = formOf(await page('/'), action);
    assert.match(form, /^[^<]*<button disabled hidden>/, 'Enter in a field answers nothing');
    const done = await send('/', action, { answer: 'approved', because: 'looks right' });
    assert.equal(done.status, 303);
    const ask = await office.broker.store.ask(id);
    assert.equal(ask?.approval.state, 'approved');
    assert.equal(ask?.approval.answeredBy, 'olga');
    assert.match(words(await page(`/approvals/${id}`)), /Approved, not yet used by olga/);
  });
});

const MANY = {
  ...{ calls: 1, rowsRead: 0, rowsWritten: 100, rowsDeleted: 0, bytesOut: 0 },
  ...{ moneyMicros: 0, recipients: 0, irreversible: 0 },
};

describe('the halt switch', () => {
  test('shows the reach first, halts by form, stands on the page, and is lifted there', async () => {
    const run = await office.begin('to be halted');
    await office.park(run, 'Void');
    const confirm = await page(`/halt?kind=run&name=${run}`);
    assert.match(
      words(confirm),
      /1 live run 0 actions in flight, aborted 1 waiting approval, made void/,
    );
    assert.deepEqual((await office.broker.store.haltState()).halts, []);
    const action = '/halt';
    const done = await send(`/halt?kind=run&name=${run}`, action, { reason: 'a drill' });
    assert.equal(done.status, 200);
    assert.match(words(done.text), /Halted run:/);
    const home = await page('/');
    assert.match(words(home), /a fixed secret is only dropped here: rotate it/);
    assert.match(words(home), new RegExp(`Halts in force run:${run} inert.* a drill — olga`));
    // the only operator: a session is no proof of the key
    const unproven = await send('/', '/resume', { reason: 'drill over' });
    assert.match(words(unproven.text), /RESUME_NEEDS_KEY/);
    const lifted = await send('/', '/resume', { reason: 'drill over', key: office.key });
    assert.equal(lifted.status, 303);
    const [last] = (await office.broker.store.timeline('system', 0, 10_000)).slice(-1);
    assert.equal(JSON.parse(last?.body ?? '{}').alone, true);
    assert.deepEqual((await office.broker.store.haltState()).halts, []);
  });

  test('a scope that is none is a page that says so', async () => {
    const answer = await office.call('GET', '/halt?kind=agent', {
      bearer: null,
      headers: { cookie },
    });
    assert.equal(answer.status, 400);
    assert.match(words(answer.text), /HALT_SCOPE : expected a name for `agent`/);
  });
});

describe('a run', () => {
  test('is told record by record with verdicts, arguments and outcome', async () => {
    const run = await office.begin('look <at> it');
    await office.propose(run, 'look', { id: 7, note: '<i>' });
    await office.propose(run, 'unknown_tool', {});
    const text = words(await page(`/runs/${run}`));
    assert.match(
      text,
      /What it says it is for \(the agent’s words, not checked\) look &lt;at&gt; it/,
    );
    assert.match(text, /Read look at shop done/);
    assert.match(text, /\{"id":7,"note":"&lt;i&gt;"\}/);
    assert.match(text, /\d+ checks auto halt nothing against it/);
    assert.match(text, /Refused unknown_tool/);
    assert.match(text, /\d+ checks/);
  });

  test('the pulse moves with what is shown and with nothing else', async () => {
    const pulse = async () =>
      (await office.call('GET', '/pulse', { bearer: null, headers: { cookie } })).json.pulse;
    const first = await pulse();
    assert.equal(await pulse(), first);
    assert.ok((await page('/')).includes(`data-pulse="${first}"`));
    await office.begin('another');
    assert.notEqual(await pulse(), first);
  });
});
