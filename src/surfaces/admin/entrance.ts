import { exposed } from '../../domain/errors.ts';
import type { Exchange, Route } from '../http/listener.ts';
import { isForm, read, readForm, SMALL_BODY } from './body.ts';
import type { AdminDeps } from './deps.ts';
import { checkCsrf, clearCookie, sessionCookie, setCookie } from './guard.ts';
import { keyPage, loginPage, setupPage } from './page/entrance.ts';
import { documentOf } from './page/layout.ts';

const CODE = { most: 200 } as const;
const NAME = { most: 80 } as const;

/** The ways in and out, for browsers (forms, answered with pages) and for commands (JSON, answered with JSON). */
export function entranceRoutes(deps: AdminDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/login',
      handle: async (exchange) => page(exchange, 200, 'Log in', loginPage(null)),
    },
    {
      method: 'GET',
      path: '/setup',
      handle: async (exchange) => page(exchange, 200, 'Setup', setupPage(null, '')),
    },
    { method: 'POST', path: '/login', handle: (exchange) => login(deps, exchange) },
    { method: 'POST', path: '/setup', handle: (exchange) => setup(deps, exchange) },
    { method: 'POST', path: '/logout', handle: (exchange) => logout(deps, exchange) },
  ];
}

async function setup(deps: AdminDeps, exchange: Exchange): Promise<void> {
  const fields = { code: CODE, name: NAME };
  if (!isForm(exchange)) {
    const { code, name } = read(await exchange.json(SMALL_BODY), fields);
    const { operator, key } = await deps.operators.claim(code, name.trim());
    exchange.reply(201, { operator: { ...operator }, key });
    return;
  }
  const form = await readForm(exchange);
  try {
    const { code, name } = read(form, fields);
    const { operator, key } = await deps.operators.claim(code, name.trim());
    const session = await deps.operators.sessions.open(operator);
    const shown = documentOf({
      title: 'Your key',
      visitor: { operator, csrf: session.csrf },
      main: keyPage(operator.name, key),
    });
    exchange.html(201, shown, setCookie(deps, session.cookie));
  } catch (fault) {
    const error = exposed(fault);
    if (error.code === 'INTERNAL') throw fault;
    const name = typeof form.name === 'string' ? form.name.slice(0, NAME.most) : '';
    page(exchange, error.status, 'Setup', setupPage(`${error.message}. ${error.help}.`, name));
  }
}

async function login(deps: AdminDeps, exchange: Exchange): Promise<void> {
  if (!isForm(exchange)) {
    const { key } = read(await exchange.json(SMALL_BODY), { key: CODE });
    const operator = await deps.operators.authenticateKey(key);
    const { cookie, csrf, expiresAt } = await deps.operators.sessions.open(operator);
    exchange.reply(200, { operator: { ...operator }, csrf, expiresAt }, setCookie(deps, cookie));
    return;
  }
  const form = await readForm(exchange);
  try {
    const { key } = read(form, { key: CODE });
    const operator = await deps.operators.authenticateKey(key);
    const { cookie } = await deps.operators.sessions.open(operator);
    exchange.raw(303, 'text/plain', '', { location: '/', ...setCookie(deps, cookie) });
  } catch (fault) {
    const error = exposed(fault);
    if (error.code === 'INTERNAL') throw fault;
    page(exchange, error.status, 'Log in', loginPage(`${error.message}. ${error.help}.`));
  }
}

/** Ending a session needs its token too, or any page could log an operator out in the middle of a halt. */
async function logout(deps: AdminDeps, exchange: Exchange): Promise<void> {
  const cookie = sessionCookie(deps, exchange);
  const byForm = isForm(exchange);
  const header = exchange.request.headers['x-csrf-token'];
  const given = byForm ? (await readForm(exchange)).csrf : header;
  if (cookie !== undefined) {
    checkCsrf(deps, exchange, typeof given === 'string' ? given : null);
    await deps.operators.sessions.close(cookie);
  }
  if (byForm) exchange.raw(303, 'text/plain', '', { location: '/login', ...clearCookie(deps) });
  else exchange.reply(200, { loggedOut: true }, clearCookie(deps));
}

function page(
  exchange: Exchange,
  status: number,
  title: string,
  main: ReturnType<typeof loginPage>,
): void {
  exchange.html(status, documentOf({ title, visitor: null, main }));
}
