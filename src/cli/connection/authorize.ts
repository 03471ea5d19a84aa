import { resolve } from 'node:path';
import { readConfigText } from '../../config/file.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Answer, Call, Command } from '../command.ts';
import { connectionsOf } from './list.ts';

const LOOK_EVERY_MS = 1_000;

export const connectionAuthorize: Command = {
  name: 'connection authorize',
  summary: 'let a human give Signalbox access to a server behind OAuth (owners only)',
  usage: 'NAME [FILE]',
  positionals: [1, 2],
  options: {
    user: {
      type: 'string',
      value: 'USER',
      summary: 'for the runs on behalf of this user, where each has an own access; does not wait',
    },
    'no-wait': { type: 'boolean', summary: 'print the address to open and end' },
  },
  run: async (call) => {
    const [name = '', file] = call.positionals;
    const before = await grantedAt(call, name);
    const path = `/api/connections/${encodeURIComponent(name)}/authorize`;
    const body =
      file === undefined
        ? {}
        : { text: await readConfigText(resolve(call.io.cwd, file)), path: file };
    const { user } = call.options;
    const whose = typeof user === 'string' ? { user } : {};
    const { opening } = await call.api.post(path, { ...body, ...whose });
    if (!isJsonObject(opening)) return done(name);
    if (call.options['no-wait'] === true || file !== undefined || user !== undefined)
      return { json: { connection: name, opening }, text: wordsOf(opening) };
    call.io.err.write(`${wordsOf(opening)}\n\nwaiting for the answer …\n`);
    await answered(call, name, before, Number(opening.expiresAt));
    return done(name);
  },
};

function done(name: string): Answer {
  return { json: { connection: name, authorized: true }, text: `${name} is authorized` };
}

function wordsOf({ url, issuer, resource, scopes, redirect }: JsonObject): string {
  const asked = Array.isArray(scopes) && scopes.length > 0 ? scopes.join(' ') : 'none named';
  return `server  ${String(resource)}
issuer  ${String(issuer)}
scopes  ${asked}
answer  ${String(redirect)}

open this in your browser, within ten minutes:

  ${String(url)}`;
}

/** When the present grant was made; what is not known yet has none. */
async function grantedAt({ api }: Call, name: string): Promise<number> {
  const found = connectionsOf(await api.get('/api/connections'));
  const authorization = found.find((connection) => connection.name === name)?.authorization;
  return isJsonObject(authorization) ? Number(authorization.at ?? 0) : 0;
}

async function answered(call: Call, name: string, before: number, until: number): Promise<void> {
  const { clock, timers } = call.io.doors;
  while (clock.now() < until) {
    await new Promise<void>((soon) => {
      timers.after(LOOK_EVERY_MS, soon);
    });
    if ((await grantedAt(call, name)) > before) return;
  }
  throw new SignalboxError('AUTHORIZATION_NEEDED', `nobody answered for \`${name}\` in time`);
}
