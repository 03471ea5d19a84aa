import { ALL, api, bad, HEAD, type Hostile, http, syntax } from './marked.ts';

/** Faults of the YAML, of characters, of secrets and of shape. */
export const HOSTILE_TEXT: readonly Hostile[] = [
  // YAML that means more than it shows
  syntax('a duplicate key', `${HEAD}§version: 1\n`, /`version` comes twice/),
  syntax('a duplicate tool', `${ALL}§tools:\n  get: {}\n`, /`tools` comes twice/),
  syntax('an alias bomb', `a: &a §[x, x]\nb: [*a, *a]\n`, /anchor/, /plain YAML/),
  syntax('an alias', `${HEAD}agents: §*x\n`, /alias/),
  syntax('a merge key', `${HEAD}agents:\n  §<<: { bot: { owner: a@b } }\n`, /merge key/),
  syntax('a custom tag', `${HEAD}agents: !!js/function §"x"\n`, /tag/),
  syntax('a known tag', `${HEAD}agents: !!map §{}\n`, /tag/),
  syntax('an older YAML by directive', `§%YAML 1.1\n---\n${HEAD}`, /directive/),
  syntax('two documents', `${HEAD}§---\nversion: 1\n`, /second/),
  syntax('a tab as indentation', `${HEAD}agents:\n§\tbot: {}\n`, /got a tab/),
  syntax('an open quote', `${HEAD}agents: "§`, /missing closing/i),
  syntax(
    'too many levels',
    `${HEAD}agents: ${'['.repeat(32)}§${'['.repeat(50_000)}`,
    /at most 32 levels/,
  ),
  bad(
    'a key that is no text',
    `${HEAD}agents:\n  §1: { owner: a@b.example }\n`,
    /expected a name as key/,
    /quotes/,
  ),
  bad('a prototype', `${HEAD}agents:\n  §__proto__: { owner: a@b.example }\n`, /reserved/),
  bad('a constructor as tool', `${ALL.replace('get:', '§constructor:')}`, /reserved/),
  bad('infinity', `${HEAD}approvals: { minutes: §.inf }\n`, /finite/),
  bad(
    'a number that is not held exactly',
    `${HEAD}limits:\n  run: { calls: §9007199254740993 }\n`,
    /held exactly/,
  ),
  bad('nothing', '§', /expected a mapping, got nothing/),
  bad('a list', '§- a\n', /expected a mapping, got a list/),
  // characters that nobody sees
  bad('a direction mark in a comment', `${HEAD}# safe §\u202e evil\n`, /U\+202E/, /delete/),
  bad(
    'a hidden character in a description',
    ALL.replace('description: d', 'description: read§\u200b only'),
    /U\+200B/,
  ),
  bad(
    'tag characters in a description',
    ALL.replace('description: d', 'description: ok§\u{e0041}'),
    /U\+E0041/,
  ),
  bad(
    'a hidden character by escape',
    ALL.replace('description: d', 'description: §"ok\\u202eevil"'),
    /U\+202E/,
  ),
  bad(
    'an escape sequence by escape',
    ALL.replace('description: d', 'description: §"ok\\x1b[2J"'),
    /U\+001B/,
  ),
  // secrets
  bad(
    'a password',
    `${HEAD}connections:\n  db: { kind: postgres, host: h, database: d, user: u, secret: s, §password: hunter2 }\n`,
    /would hold a secret/,
    /signalbox secret set/,
  ),
  bad(
    'a token',
    api('url: "https://a.acme.example", §token: abc'),
    /would hold a secret/,
    /signalbox secret set/,
  ),
  bad(
    'a password in a URL',
    api('url: "§https://user:hunter2@a.acme.example"'),
    /password in a URL/,
    /signalbox secret set/,
  ),
  bad('a user in a URL', api('url: §"https://user@a.acme.example"'), /without user/),
  bad(
    'a token as the name of a secret',
    api('url: "https://a.acme.example", secret: §a8f9e2c4b1d0937f6e5a4c3b2d1e0f98'),
    /a secret, not the name of one/,
  ),
  bad('a token in a comment', `${HEAD}# §ghp_${'a1B2'.repeat(9)}\n`, /access token/),
  bad('a private key', `${HEAD}# §-----BEGIN RSA ${'PRIVATE'} KEY-----\n`, /private key/),
  bad(
    'a bearer header of a tool',
    http('    http: { method: GET, path: /x, headers: { §authorization: x } }\n'),
    /would carry a secret/,
  ),
  bad(
    'a key in a query',
    http('    http: { method: GET, path: /x, query: { §api_key: abc } }\n'),
    /would hold a secret/,
  ),
  bad(
    'a password in a body',
    http('    http: { method: POST, path: /x, body: { login: { §password: abc } } }\n'),
    /would hold a secret/,
  ),
  // shape
  bad(
    'another version',
    HEAD.replace('version: 1', 'version: §2'),
    /`version`: expected `1`, got `2`/,
  ),
  bad('no organisation', '§version: 1\n', /the file: expected `organisation`/),
  bad('an unknown key', `${HEAD}§agent: {}\n`, /`agent` is not known/, /did you mean `agents`/),
  bad(
    'an unknown key of a tool',
    ALL.replace('description: d', '§desciption: d, description: d'),
    /`desciption`/,
    /did you mean `description`/,
  ),
  bad(
    'a text as port',
    ALL.replace('database: d', 'database: d, port: §"5432"'),
    /expected a whole number, got `5432`/,
  ),
  bad(
    'a port out of range',
    ALL.replace('database: d', 'database: d, port: §70000'),
    /at most 65535, got `70000`/,
  ),
  bad(
    'an unknown kind',
    ALL.replace('kind: postgres', 'kind: §postgress'),
    /one of `postgres`, `sqlite`, `http`/,
    /did you mean `postgres`/,
  ),
  bad(
    'an unknown rung',
    `${ALL}grants:\n  - { agent: bot, tools: [get], rung: §aprove }\n`,
    /one of `read`/,
    /did you mean `approve`/,
  ),
  bad(
    'an unknown effect',
    ALL.replace('description: d', 'description: d, effect: §harmless'),
    /one of `read`, `write`, `destroy`/,
  ),
  bad('a limit below zero', `${HEAD}limits:\n  run: { calls: §-1 }\n`, /at least 0, got `-1`/),
  bad(
    'a limit that is no whole number',
    `${HEAD}limits:\n  run: { calls: §1.5 }\n`,
    /a whole number, got `1.5`/,
  ),
  bad(
    'a limit on nothing known',
    `${HEAD}limits:\n  run: { §cals: 1 }\n`,
    /`cals`/,
    /did you mean `calls`/,
  ),
  bad(
    'a cap on calls',
    ALL.replace('description: d', 'description: d, cap: { §calls: 5 }'),
    /`calls` is not known here/,
  ),
  bad(
    'a tool without what it does',
    ALL.replace(
      'get: { connection: db, description: d, sql: select 1 }',
      '§get: { connection: db, description: d }',
    ),
    /expected `sql` or `http`, got neither/,
  ),
  bad(
    'a tool that does two things',
    ALL.replace('sql: select 1', '§sql: select 1, http: { method: GET, path: /x }'),
    /got `sql` and `http`/,
  ),
  bad(
    'an empty description',
    ALL.replace('description: d', 'description: §""'),
    /some text, got empty text/,
  ),
  bad(
    'a description that is nothing',
    ALL.replace('description: d', 'description: §~'),
    /expected text, got nothing/,
  ),
  bad('an owner without address', ALL.replace('dana@acme.example', '§dana'), /e-mail/i),
  bad(
    'a hand-made undo',
    ALL.replace('description: d', 'description: d, reversibility: §exercised'),
    /one of `declared`, `none`/,
    /never declared/,
  ),
];
