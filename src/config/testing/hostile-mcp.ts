import { bad, HEAD, type Hostile } from './marked.ts';

/** A file with one MCP server of these settings. */
const server = (settings: string, more = '') =>
  `${HEAD}connections:\n  files: { kind: mcp, ${settings} }\n${more}`;
const command = (settings: string, more = '') => server(`command: [node, s.js], ${settings}`, more);
const url = (settings: string) => server(`url: "https://mcp.acme.example/mcp", ${settings}`);
const granting = (tools: string) =>
  `agents: { bot: { owner: a@acme.example } }\ngrants:\n  - { agent: bot, tools: [${tools}], rung: read }\n`;

/** Servers that cannot be served as they are written down. */
export const HOSTILE_MCP: readonly Hostile[] = [
  bad(
    'a server that is reached in no way',
    `${HEAD}connections:\n  §files: { kind: mcp }\n`,
    /`command` or `url`, got neither/,
    /how the server is reached/,
  ),
  bad('a server reached in two ways', command('§url: "https://x.example"'), /got both/),
  bad('a command as one text', server('command: §node s.js'), /expected a list, got `node s\.js`/),
  bad('an empty command', server('command: §[]'), /at least one element/),
  bad(
    'a secret header for a command',
    command('§secret: files-key'),
    /goes with `url`/,
    /secrets:/,
  ),
  bad('a private address for a command', command('§allowPrivate: true'), /goes with `url`/),
  bad('an environment for a URL', url('§env: { LANG: C }'), /goes with `command`/),
  bad(
    'variables of secrets for a URL',
    url('§secrets: { KEY: k }'),
    /goes with `command`/,
    /name one/,
  ),
  bad(
    'a secret as variable',
    command('env: { §API_KEY: hunter2 }'),
    /would hold a secret/,
    /secrets: \{ VARIABLE: NAME \}/,
  ),
  bad(
    'a token as value',
    command('env: { §SESSION: a1B2a1B2a1B2a1B2a1B2a1B2 }'),
    /would hold a secret/,
    /signalbox secret set/,
  ),
  bad(
    'a secret as argument',
    server('command: [node, s.js, §--api-key=hunter2]'),
    /`api-key` in `command` would carry a secret/,
    /environment variable/,
  ),
  bad(
    'a secret as the argument after',
    server('command: [node, s.js, §--token, hunter2]'),
    /`token` in `command` would carry a secret/,
  ),
  bad(
    'a value instead of the name of a secret',
    command('secrets: { §API_KEY: a1b2a1b2a1b2a1b2a1b2a1b2 }'),
    /not the name of one/,
  ),
  bad(
    'a variable given twice',
    command('env: { §REGION: eu }, secrets: { REGION: r }'),
    /stands in `env` and in `secrets`/,
  ),
  bad('a variable with a dash', command('env: { §A-B: x }'), /cannot be used/, /letter or `_`/),
  bad('a relative directory', command('cwd: §../srv'), /cwd/),
  bad(
    'plain http to the world',
    server('url: §"http://mcp.elsewhere.example"'),
    /expected `https:`/,
  ),
  bad('a private address', server('url: §"https://10.0.0.1/mcp"'), /private address/),
  bad(
    'the metadata service',
    server('url: §"http://169.254.169.254/", allowPrivate: true'),
    /nothing goes there/,
  ),
  bad('a header of MCP', url('secret: k, §header: Mcp-Session-Id'), /not free to carry a secret/),
  bad('a header without a secret', url('header: §x-key'), /no `secret` is named/),
  bad('two ways to be authorised', url('secret: k, §oauth: {}'), /`secret` or `oauth`, got both/),
  bad('a client secret of nobody', url('oauth: { §clientSecret: k }'), /belongs to a `clientId`/),
  bad(
    'a client secret itself',
    url('oauth: { clientId: c, §clientSecret: a1b2a1b2a1b2a1b2a1b2a1b2 }'),
    /not the name of one/,
  ),
  bad('an unknown revision', command('protocol: §newest'), /`auto`, `modern`, `legacy`/),
  bad('a prefix that is no name', command('toolPrefix: §"1_"'), /toolPrefix/),
  bad(
    'a class that does not exist',
    command('serve: { tools: { a: §reed } }'),
    /`read`, `write`/,
    /`read`/,
  ),
  bad(
    'a tool without a class',
    command('serve: { tools: { §a: { cap: {} } } }'),
    /expected `effect`/,
  ),
  bad(
    'an undo that is said to work',
    command('serve: { tools: { a: { effect: write, reversibility: §exercised } } }'),
    /expected one of/,
    /exercises it/,
  ),
  bad(
    'a tool whose name no client takes',
    command('serve: { tools: { §"read file": read } }'),
    /`files_read file` cannot be the name of a tool/,
    /toolPrefix/,
  ),
  bad(
    'a name too long with its prefix',
    command(`serve: { tools: { §${'a'.repeat(125)}: read } }`),
    /cannot be the name of a tool/,
  ),
  bad(
    'a name of the language without a prefix',
    command("toolPrefix: '', serve: { tools: { §constructor: read } }"),
    /reserved by the language/,
  ),
  bad(
    'a grant of a tool that is not served',
    command('serve: { tools: { read_file: read } }', granting('§files_reed_file')),
    /no tool `files_reed_file`/,
    /did you mean `files_read_file`/,
  ),
  bad(
    'a grant of a tool that is left out',
    command('serve: { tools: { gone: false } }', granting('§files_gone')),
    /no tool `files_gone`/,
  ),
  bad(
    'a grant of resources that are not served',
    command('serve: { tools: { a: read } }', granting('§files/resources')),
    /no tool `files.resources`/,
    /resources: true/,
  ),
  bad(
    'a star in the middle',
    command('serve: {}', granting('§"fi*les"')),
    /name of a tool/,
    /`\*` at its end/,
  ),
  bad(
    'a statement at a server',
    `${server('command: [node, s.js]')}tools:\n  t: { connection: files, description: d, sql: §select 1 }\n`,
    /its connection is `mcp`/,
    /serve\.tools/,
  ),
  bad(
    'two servers whose URIs look alike',
    `${HEAD}connections:\n  a_b: { kind: mcp, command: [x] }\n  §a-b: { kind: mcp, command: [x] }\n`,
    /easily taken for `a_b`/,
  ),
];
