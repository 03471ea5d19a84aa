/**
 * `npm run test:secrets -- [--json] [--short]`
 *
 * Plants a secret in every place that holds one, makes an agent and an operator do whatever could bring it out, and
 * searches everything that leaves the process, in every encoding. The targets are hostile: they give back what they were
 * sent and what they stole of others. Exit code 0 only when nothing was found, everything was planted, and the searcher
 * finds a secret that was put where it looks.
 */
import { optionsOf } from '../../scripts/options.ts';
import { Agent } from './agent.ts';
import { formsOf } from './forms.ts';
import {
  backedUp,
  ofProcesses,
  onDisk,
  operatorsSide,
  type Places,
  put,
  rekeyed,
} from './places.ts';
import { openWorld, type World } from './world.ts';

const values = optionsOf(import.meta.filename, {
  json: { type: 'boolean', default: false },
  // without the drill
  short: { type: 'boolean', default: false },
});
const tell = (line: string): void => void process.stderr.write(`${line}\n`);

interface Leak {
  readonly secret: string;
  readonly place: string;
  readonly around: string;
}

/** The shortest form there is (forms.ts). */
const START = 8;
const began = performance.now();
const world = await openWorld();
const places: Places = new Map();
let answered = 0;
try {
  tell(`planted ${world.planted.size} secrets`);
  await perform(world);
} finally {
  await world.close();
}
const found = leaked(world.planted, places);
const summary = {
  planted: world.planted.size,
  places: [...places.keys()].sort(),
  searched: [...places.values()].reduce((sum, text) => sum + text.length, 0),
  answered,
  leaked: found,
  controls: { tried: 1, passed: findsOne() ? 1 : 0 },
  seconds: Math.round((performance.now() - began) / 100) / 10,
};
const ok = found.length === 0 && summary.controls.passed === 1 && answered > 100;
if (values.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
else {
  for (const { secret, place, around } of found) tell(`LEAKED ${secret} in ${place}: …${around}…`);
  tell(
    `${ok ? 'ok' : 'FAILED'}: ${summary.planted} secrets, ${places.size} places, ${found.length} leaks, ${answered} answers`,
  );
}
process.exitCode = ok ? 0 : 1;

async function perform(at: World): Promise<void> {
  const { operator, operatorsUrl, target, planted } = at;
  const agentSecret = await operator.enrol(operatorsUrl, 'ann');
  planted.set('agent secret', agentSecret);
  const thief = await Agent.begin(at, places, agentSecret);
  const other = await Agent.begin(at, places, agentSecret);
  planted.set('run token', thief.run.token);
  planted.set('run token of another', other.run.token);
  const session = await sessionOf(at);
  planted.set('operator session', session.replace(/^[^=]+=/, ''));
  for (const connection of ['db', 'billing', 'github', 'status'])
    planted.set(`held at ${connection}`, await at.held(thief.run.id, connection));
  for (const [name, token] of at.issued()) planted.set(name, token);
  // the targets got hold of everything there is, and give it all away
  target.stolen.push(...[...planted.values()].filter((value) => /^[\x20-\x7e]+$/.test(value)));
  const since = performance.now();
  const took = (what: string): void =>
    tell(`${what} after ${Math.round(performance.now() - since)} ms`);
  tell(`${planted.size} secrets are known to be out there; the targets give them all away`);
  await thief.everything();
  took('the agent is done');
  await operatorsSide(at, places, session);
  await ofProcesses(at, places);
  await onDisk(at, places, 'running');
  took('everything was read');
  // it waits half a minute for fixed secrets, which nobody can revoke
  if (!values.short) await drilled(at);
  await fetch(`${operatorsUrl}/api/halts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${operator.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ scope: 'agent:ann', reason: 'enough' }),
  }).then(async (answer) => put(places, 'halt reports', await answer.text()));
  await thief.call('api_echo', { form: 'plain' });
  await operatorsSide(at, places, session);
  await at.end('crash');
  put(places, 'output of the process', at.streams.out);
  put(places, 'log and crash of the process', at.streams.err);
  put(places, 'webhooks', target.delivered.join('\n'));
  await onDisk(at, places, 'after a crash');
  await backedUp(at, places);
  await rekeyed(at, places);
  answered = thief.answered;
  took('searching begins');
}

/** A drill of the agent itself: its report tells what every probe was answered. */
async function drilled({ operatorsUrl, operator }: World): Promise<void> {
  const ask = async (method: string, path: string, body?: object): Promise<string> => {
    const headers = {
      authorization: `Bearer ${operator.key}`,
      'content-type': 'application/json',
    };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`${operatorsUrl}${path}`, { method, headers, ...sent });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`);
    put(places, 'drill reports', text);
    return text;
  };
  const { report } = JSON.parse(await ask('POST', '/api/drills', { agent: 'ann' }));
  await ask('GET', `/api/drills/${report.id}`);
}

/** A browser's session, as the login page gives it. */
async function sessionOf({ operatorsUrl, operator }: World): Promise<string> {
  const answer = await fetch(`${operatorsUrl}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: operatorsUrl },
    body: new URLSearchParams({ key: operator.key }),
    redirect: 'manual',
  });
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';');
  if (!cookie.includes('=')) throw new Error(`no session was given (status ${answer.status})`);
  return cookie;
}

/** Each secret at most once in each place. One pass over a text looks for all: by how a form begins, then whole. */
function leaked(planted: ReadonlyMap<string, string>, searched: Places): Leak[] {
  const begun = new Map<string, { readonly secret: string; readonly form: string }[]>();
  const marks = new Uint8Array(65_536);
  for (const [secret, value] of planted)
    for (const form of formsOf(value)) {
      const start = form.slice(0, START);
      begun.set(start, [...(begun.get(start) ?? []), { secret, form }]);
      marks[markOf(form, 0)] = 1;
    }
  const leaks = new Map<string, Leak>();
  for (const [place, text] of searched)
    for (let at = 0; at + START <= text.length; at++) {
      if (marks[markOf(text, at)] === 0) continue;
      for (const { secret, form } of begun.get(text.slice(at, at + START)) ?? []) {
        const key = `${secret}\n${place}`;
        if (leaks.has(key) || !text.startsWith(form, at)) continue;
        const around = text.slice(Math.max(0, at - 60), at + 12).replaceAll(/\s+/g, ' ');
        leaks.set(key, { secret, place, around });
      }
    }
  return [...leaks.values()];
}

function markOf(text: string, at: number): number {
  const first = text.charCodeAt(at) * 2_011;
  const second = text.charCodeAt(at + 1) * 127;
  return (first + second + text.charCodeAt(at + 2)) & 65_535;
}

function findsOne(): boolean {
  const planted = new Map([['control', 'a-control+of/the=searcher']]);
  return [...formsOf('a-control+of/the=searcher')].every((form) => {
    const text = new Map([['somewhere', `before ${form} after`]]);
    return leaked(planted, text).length === 1;
  });
}
