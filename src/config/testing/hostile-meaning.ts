import { ALL, api, bad, DB, HEAD, type Hostile, http } from './marked.ts';

/** Files of the right shape that do not hold together, or ask for what a file cannot give. */
export const HOSTILE_MEANING: readonly Hostile[] = [
  // names
  bad('a name with a capital', ALL.replace('bot:', '§Bot:'), /name `Bot`/, /lower-case/),
  bad('a name with a foreign letter', ALL.replace('bot:', '§b\u043et:'), /cannot be used/),
  bad('a tool name with a space', ALL.replace('  get:', '  §"get all":'), /name `get all`/),
  bad(
    'two names that look alike',
    ALL.replace('agents:', '  §Get: { connection: db, description: d, sql: select 2 }\nagents:'),
    /easily taken for `get`/,
  ),
  bad(
    'an i for an l',
    `${HEAD}agents:\n  bill: { owner: a@acme.example }\n  §bi1l: { owner: a@acme.example }\n`,
    /easily taken for `bill`/,
  ),
  // references
  bad(
    'an unknown connection',
    ALL.replace('connection: db', 'connection: §dbb'),
    /no connection `dbb`/,
    /did you mean `db`/,
  ),
  bad(
    'an unknown agent',
    `${ALL}grants:\n  - { agent: §bto, tools: [get], rung: read }\n`,
    /no agent `bto`/,
    /did you mean `bot`/,
  ),
  bad(
    'an unknown tool',
    `${ALL}grants:\n  - { agent: bot, tools: [get, §remove_all], rung: read }\n`,
    /no tool `remove_all`/,
    /use one of: get/,
  ),
  bad(
    'a grant given twice',
    `${ALL}grants:\n  - { agent: bot, tools: [get], rung: read }\n  - { agent: bot, tools: [§get], rung: approve }\n`,
    /granted `get` twice/,
  ),
  bad(
    'a tool named twice in a grant',
    `${ALL}grants:\n  - { agent: bot, tools: [get, §get], rung: read }\n`,
    /twice/,
  ),
  // authority that a file cannot give
  bad(
    'auto on a declared write',
    `${ALL.replace('description: d', 'description: d, effect: write')}grants:\n  - { agent: bot, tools: [get], rung: §auto }\n`,
    /`auto` on `get`, which is a `write`/,
    /exercised undo/,
    'RUNG_NOT_EARNED',
  ),
  bad(
    'auto on a DELETE',
    `${http('    http: { method: DELETE, path: /x }\n')}agents:\n  bot: { owner: a@acme.example }\ngrants:\n  - { agent: bot, tools: [t], rung: §auto }\n`,
    /which is a `destroy`/,
    /./,
    'RUNG_NOT_EARNED',
  ),
  bad(
    'a recovery path called a read',
    ALL.replace('description: d', 'description: d, recoveryPath: true, effect: §read'),
    /removes a way to recover/,
    /destroy/,
    'TOOL_UNDERSTATED',
  ),
  bad(
    'an environment close to production',
    ALL.replace('database: d', 'database: d, environment: §prod'),
    /expected `production`/,
    /leave the label out/,
  ),
  bad(
    'an environment that contains production',
    ALL.replace('database: d', 'database: d, environment: §production-eu'),
    /expected `production`/,
  ),
  // connections
  bad('plain HTTP to the world', api('url: §"http://a.acme.example"'), /expected `https:`/),
  bad('a private address', api('url: §"https://10.0.0.1"'), /private address/, /allowPrivate/),
  bad('a private address in disguise', api('url: §"https://0x7f.1"'), /`127.0.0.1` is a private/),
  bad(
    'a metadata service',
    api('url: §"http://169.254.169.254", allowPrivate: true'),
    /nothing goes there/,
  ),
  bad(
    'a mapped metadata service',
    api('url: §"http://[::ffff:a9fe:a9fe]", allowPrivate: true'),
    /nothing goes there/,
  ),
  bad('a file', api('url: §"file:///etc/passwd"'), /expected a URL/),
  bad('a URL with a query', api('url: §"https://a.acme.example?x=1"'), /without query/),
  bad('a URL that climbs', api('url: §"https://a.acme.example/v1/../admin"'), /`\.\.`/),
  bad('a URL with a foreign host', api('url: §"https://\u0430pple.example"'), /ASCII/, /xn--/),
  bad(
    'a secret in the Host header',
    api('url: "https://a.acme.example", secret: s, header: §host'),
    /not free/,
  ),
  // requests
  bad(
    'a path with a query',
    http('    http: { method: GET, path: §"/x?y=1" }\n'),
    /a query goes under `query`/,
  ),
  bad('a path that climbs', http('    http: { method: GET, path: §/x/../y }\n'), /`\.\.`/),
  bad(
    'a placeholder without argument',
    http('    http: { method: GET, path: §"/x/{id}" }\n'),
    /`\{id\}` is no argument/,
    /add `id`/,
  ),
  bad(
    'a mistyped placeholder',
    http(
      '    http: { method: GET, path: §"/x/{vlume}/{volume}" }\n    input: { volume: { type: string } }\n',
    ),
    /`\{vlume\}`/,
    /did you mean `\{volume\}`/,
  ),
  bad(
    'an argument that goes nowhere',
    http('    http: { method: GET, path: /x }\n    input: { id: §{ type: string } }\n'),
    /used nowhere/,
  ),
  bad(
    'an optional argument in the path',
    http(
      '    http: { method: GET, path: §"/x/{id}" }\n    input: { id: { type: string, optional: true } }\n',
    ),
    /optional/,
  ),
  bad(
    'an object in the path',
    http(
      '    http: { method: GET, path: §"/x/{id}" }\n    input: { id: { type: object, properties: {} } }\n',
    ),
    /cannot stand in the path/,
  ),
  bad(
    'a list inside a text',
    http(
      '    http: { method: POST, path: /x, body: §{ a: "b {id}" } }\n    input: { id: { type: array, items: { type: string } } }\n',
    ),
    /middle of a text/,
  ),
  bad('a body on a GET', http('    http: { method: GET, path: /x, body: §{} }\n'), /has no body/),
  bad(
    'a smuggling header',
    http('    http: { method: GET, path: /x, headers: { §transfer-encoding: chunked } }\n'),
    /decided by the connector/,
  ),
  bad(
    'a line break in a header',
    http('    http: { method: GET, path: /x, headers: { x-a: §"a\\r\\nb" } }\n'),
    /fits/,
  ),
  bad(
    'SQL over HTTP',
    `${HEAD}${DB}tools:\n  t: { connection: api, description: d, sql: §select 1 }\n`,
    /its connection is `http`/,
  ),
  // arguments
  bad(
    'a pattern that backtracks on its group',
    http(
      '    http: { method: GET, path: "/x/{id}" }\n    input: { id: { type: string, pattern: §"(a)\\\\1" } }\n',
    ),
    /refers back/,
  ),
  bad(
    'a pattern that cannot be read',
    http(
      '    http: { method: GET, path: "/x/{id}" }\n    input: { id: { type: string, pattern: §"(" } }\n',
    ),
    /pattern cannot be used/,
  ),
  bad(
    'a bound that nothing fits',
    http(
      '    http: { method: GET, path: "/x/{id}" }\n    input: { id: { type: integer, minimum: §2, maximum: 1 } }\n',
    ),
    /nothing fits/,
  ),
  bad(
    'a keyword of another type',
    http(
      '    http: { method: GET, path: "/x/{id}" }\n    input: { id: { type: integer, pattern: §"^a$" } }\n',
    ),
    /means nothing for a integer/,
  ),
  bad(
    'an open object',
    http(
      '    http: { method: POST, path: /x, body: "{id}" }\n    input: { id: §{ type: object } }\n',
    ),
    /expected `properties`/,
  ),
  bad(
    'a reserved argument',
    http(
      '    http: { method: POST, path: /x, body: "{valueOf}" }\n    input: { §valueOf: { type: string } }\n',
    ),
    /reserved/,
  ),
];
