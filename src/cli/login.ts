import { SignalboxError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { join, request } from './client.ts';
import type { Answer, Call, Command } from './command.ts';

export const login: Command = {
  name: 'login',
  summary: 'keep an operator key for these commands, by setup code or by key',
  usage: '',
  positionals: [0, 0],
  options: {
    'code-stdin': {
      type: 'boolean',
      summary: 'read a setup code from stdin; at a terminal it is asked for',
    },
    name: { type: 'string', value: 'NAME', summary: 'your name, with a setup code' },
    'key-stdin': { type: 'boolean', summary: 'read a key that you have from stdin' },
  },
  run: async (call) => {
    const { name } = call.options;
    const byKey = call.options['key-stdin'] === true;
    const byCode = call.options['code-stdin'] === true;
    if (byKey ? byCode : !byCode && !call.io.input.terminal)
      throw new SignalboxError(
        'USAGE',
        'expected either `--name NAME --code-stdin` or `--key-stdin`, or a terminal to ask at',
      );
    return byKey ? withKey(call) : withCode(call, name);
  },
};

export const logout: Command = {
  name: 'logout',
  summary: 'forget the operator key kept here; the key itself stays good',
  usage: '',
  positionals: [0, 0],
  options: {},
  run: async ({ home }) => {
    await home.forgetOperator();
    return { json: { loggedOut: true }, text: 'the key kept here is forgotten' };
  },
};

async function withCode(call: Call, name: string | boolean | undefined): Promise<Answer> {
  if (typeof name !== 'string')
    throw new SignalboxError(
      'USAGE',
      'expected `--name NAME`: it is kept with everything you answer',
    );
  const url = await call.api.url();
  const code = await setupCode(call);
  const claimed = await request(call.io, {
    method: 'POST',
    url: join(url, '/setup'),
    bearer: null,
    body: { code, name },
  });
  return keep(call, url, claimed.operator, String(claimed.key));
}

/** Never an argument: any local process can read those. */
async function setupCode({ io, options }: Call): Promise<string> {
  const asked = options['code-stdin'] !== true;
  if (asked) io.err.write('Setup code: ');
  const code = (asked ? await io.input.line() : await io.input.all(4_096))?.trim() ?? '';
  if (code === '') throw new SignalboxError('USAGE', 'expected a setup code, got nothing');
  return code;
}

async function withKey(call: Call): Promise<Answer> {
  const key = (await call.io.input.all(4_096)).trim();
  if (key === '') throw new SignalboxError('USAGE', 'expected a key on stdin, got nothing');
  const url = await call.api.url();
  const status = await request(call.io, {
    method: 'GET',
    url: join(url, '/api/status'),
    bearer: key,
    body: null,
  });
  return keep(call, url, status.operator, key);
}

async function keep(call: Call, url: string, operator: unknown, key: string): Promise<Answer> {
  const known: JsonObject = isJsonObject(operator) ? operator : {};
  const name = String(known.name ?? '');
  const role = String(known.role ?? '');
  const file = await call.home.saveOperator({ url, name, role, key });
  return {
    json: { operator: name, role, url, file },
    text: `logged in as ${name} (${role}) at ${url}\nthe key is in ${file}, readable by you alone`,
  };
}
