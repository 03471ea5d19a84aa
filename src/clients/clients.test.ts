import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryOf } from './entry.ts';
import { envFileValues, expandText, type Surroundings } from './expand.ts';
import { launchOf } from './launch-words.ts';
import { changedText, readClientFile } from './read.ts';
import { unwrapped } from './unwrap.ts';

const PUT = {
  name: 'signalbox',
  value: { command: '/n/node', args: ['s.js', 'mcp-stdio'], env: { A: 'b' } },
};
const put = (section: readonly string[], ...remove: string[]) => [
  { section, remove: new Set(remove), put: PUT },
];

test('JSON: one entry stands where the first server stood; comments, order, line ends and the mark stay', () => {
  const text =
    '\uFEFF{\r\n' +
    '\t// mine\r\n' +
    '\t"theme": "dark",\r\n' +
    '\t"mcpServers": {\r\n' +
    '\t\t"a": { "command": "x" }, // first\r\n' +
    '\t\t/* keep */\r\n' +
    '\t\t"b": {\r\n' +
    '\t\t\t"command": "y",\r\n' +
    '\t\t},\r\n' +
    '\t\t"c": {"command": "z"},\r\n' +
    '\t},\r\n' +
    '\t"last": [1,2,],\r\n' +
    '}\r\n';
  const changed = changedText(
    readClientFile(text, '/p/.cursor/mcp.json'),
    put(['mcpServers'], 'a', 'c'),
  );
  assert.equal(
    changed,
    '\uFEFF{\r\n' +
      '\t// mine\r\n' +
      '\t"theme": "dark",\r\n' +
      '\t"mcpServers": {\r\n' +
      '\t\t"signalbox": {\r\n' +
      '\t\t\t"command": "/n/node",\r\n' +
      '\t\t\t"args": [\r\n' +
      '\t\t\t\t"s.js",\r\n' +
      '\t\t\t\t"mcp-stdio"\r\n' +
      '\t\t\t],\r\n' +
      '\t\t\t"env": {\r\n' +
      '\t\t\t\t"A": "b"\r\n' +
      '\t\t\t}\r\n' +
      '\t\t}, // first\r\n' +
      '\t\t/* keep */\r\n' +
      '\t\t"b": {\r\n' +
      '\t\t\t"command": "y",\r\n' +
      '\t\t},\r\n' +
      '\t},\r\n' +
      '\t"last": [1,2,],\r\n' +
      '}\r\n',
  );
});

test('JSON: the last one goes with the comma before it; a duplicate key goes with its twin; one line stays one line', () => {
  const file = (text: string) => readClientFile(text, '/p/.mcp.json');
  assert.equal(
    changedText(
      file('{"mcpServers":{"a":{"command":"x"},"b":{"command":"y"},"a":{"command":"w"}}}'),
      put(['mcpServers'], 'a'),
    ),
    '{"mcpServers":{"signalbox": {"command":"/n/node","args":["s.js","mcp-stdio"],"env":{"A":"b"}},"b":{"command":"y"}}}',
  );
  assert.equal(
    changedText(file('{\n  "mcpServers": {\n    "a": {},\n    "b": {}\n  }\n}\n'), [
      { section: ['mcpServers'], remove: new Set(['b']), put: null },
    ]),
    '{\n  "mcpServers": {\n    "a": {}\n  }\n}\n',
  );
  assert.match(
    changedText(file('{\n  "mcpServers": {}\n}\n'), put(['mcpServers'])),
    /\{\n {4}"signalbox": \{\n {6}"command"/,
  );
});

test('JSON: projects of Claude Code, servers and inputs of VS Code', () => {
  const claude = readClientFile(
    JSON.stringify({
      mcpServers: {},
      projects: { '/w/x': { mcpServers: { a: { command: 'x' } }, disabledMcpServers: ['a'] } },
    }),
    '/users/u/.claude.json',
  );
  assert.deepEqual(
    claude.sections.map(({ project, off }) => [project, off]),
    [
      [null, []],
      ['/w/x', ['a']],
    ],
  );
  const code = readClientFile(
    '{"inputs":[{"type":"promptString","id":"k","password":true}],"servers":{"a":{"type":"stdio","command":"x"}}}',
    '/w/.vscode/mcp.json',
  );
  assert.equal(code.client, 'vscode');
  assert.deepEqual(code.inputs, [{ id: 'k', description: 'k', secret: true, fallback: null }]);
});

test('TOML: tables with their sub-tables go, everything else stays', () => {
  const text = `# mine
model = "m" # why
when = 2026-01-02T03:04:05Z

[mcp_servers.files]
command = "npx"
args = [
  "-y", # yes
  "pkg]",
]
[mcp_servers.files.env]
A = '''x
[not.a.table]
'''

# about b
[mcp_servers."b c"]
url = "https://b.example/mcp"

[profiles.p]
x = 1
`;
  const changed = changedText(
    readClientFile(text, '/h/.codex/config.toml'),
    put(['mcp_servers'], 'files'),
  );
  assert.equal(
    changed,
    text.replace(
      /\[mcp_servers\.files\][\s\S]*'''\n/,
      '[mcp_servers.signalbox]\ncommand = "/n/node"\nargs = ["s.js", "mcp-stdio"]\nenv = { A = "b" }\n',
    ),
  );
  const both = changedText(
    readClientFile(text, 'config.toml'),
    put(['mcp_servers'], 'files', 'b c'),
  );
  assert.doesNotMatch(both, /b\.example/);
  assert.match(both, /# about b\n\n\[profiles\.p\]/);
});

test('TOML: servers written in place, as dotted keys, or not safely', () => {
  const dotted = 'mcp_servers.a.command = "x"\nmcp_servers.a.args = ["1"]\nmodel = "m"\n';
  assert.match(
    changedText(readClientFile(dotted, 'c.toml'), put(['mcp_servers'], 'a')),
    /^mcp_servers\.signalbox = \{ command = .*\}\nmodel = "m"\n$/,
  );
  const inside = '[mcp_servers]\na = { command = "x" }\nb = { command = "y" }\n';
  assert.match(
    changedText(readClientFile(inside, 'c.toml'), put(['mcp_servers'], 'b')),
    /^\[mcp_servers\]\na = \{ command = "x" \}\nsignalbox = \{/,
  );
  assert.throws(
    () =>
      changedText(
        readClientFile('mcp_servers = { a = { command = "x" } }\n', 'c.toml'),
        put(['mcp_servers'], 'a'),
      ),
    /write each server as a table/,
  );
  assert.match(
    changedText(readClientFile('x = 1', 'c.toml'), put(['mcp_servers'])),
    /^x = 1\n\n\[mcp_servers\.signalbox\]\n/,
  );
});

test('what is no file of a client says where', () => {
  assert.throws(() => readClientFile('{ "mcpServers": ', 'x.json'), /not JSON: .* in line 1/);
  assert.throws(() => readClientFile('a = ', 'x.toml'), /not TOML: line 1/);
  assert.throws(() => readClientFile('[]', 'x.json'), /expected an object/);
});

test('entries of every client in the same words', () => {
  const codex = entryOf({
    url: 'https://x/mcp',
    bearer_token_env_var: 'T',
    tool_timeout_sec: 90,
    enabled: false,
    enabled_tools: ['a'],
  });
  assert.deepEqual(
    [codex.transport, codex.headerNames, codex.timeoutMs, codex.disabled, codex.only],
    ['http', { Authorization: 'T' }, 90_000, true, ['a']],
  );
  const gemini = entryOf({
    httpUrl: 'http://x/mcp',
    timeout: 5_000,
    trust: true,
    excludeTools: ['b'],
  });
  assert.deepEqual([gemini.url, gemini.timeoutMs, gemini.without], ['http://x/mcp', 5_000, ['b']]);
  assert.equal(entryOf({ command: 'x', sandbox: true }).unknown[0], 'sandbox');
  assert.equal(entryOf({}).transport, null);
});

const AROUND: Surroundings = {
  client: 'claude-code',
  env: { TOKEN: 'tok', EMPTY: '' },
  home: '/users/u',
  workspace: '/w/x',
  inputs: [{ id: 'k', description: 'k', secret: true, fallback: null }],
  answers: {},
};

test('variables are expanded as the client would', () => {
  const plain = (text: string, more: Partial<Surroundings> = {}) =>
    expandText(text, { ...AROUND, ...more });
  assert.equal(
    plain('${workspaceFolder}/a ${TOKEN} ${env:TOKEN} ${NO:-d} ${EMPTY:-e}').value,
    '/w/x/a tok tok d e',
  );
  assert.deepEqual(plain('${GONE}').missing, ['GONE']);
  assert.equal(plain('$TOKEN').value, '$TOKEN');
  assert.equal(plain('$TOKEN', { client: 'gemini' }).value, 'tok');
  assert.equal(plain('${TOKEN}', { client: 'codex' }).value, '${TOKEN}');
  assert.deepEqual(plain('${input:k}').missing, ['input:k']);
  assert.deepEqual(plain('${input:k}', { answers: { k: 's' } }).from, [
    { name: 'input:k', secret: true },
  ]);
  assert.deepEqual(envFileValues('# c\nexport A="x y" # z\nB=c # d\n'), { A: 'x y', B: 'c' });
});

test('launchers are seen through', () => {
  assert.deepEqual(launchOf('npx', ['-y', '@s/p@1.2.3', '/data']), {
    kind: 'package',
    name: '@s/p',
    version: '1.2.3',
    bin: null,
    args: ['/data'],
  });
  assert.deepEqual(launchOf('cmd', ['/c', 'npx', '--package=p', 'b', '-x']), {
    kind: 'package',
    name: 'p',
    version: null,
    bin: 'b',
    args: ['-x'],
  });
  assert.deepEqual(
    launchOf('npx', ['mcp-remote', 'https://x/mcp', '--header', 'Authorization: Bearer y']),
    {
      kind: 'remote',
      url: 'https://x/mcp',
      headers: { Authorization: 'Bearer y' },
    },
  );
  const uvx = (...args: string[]) => {
    const launch = launchOf('uvx', args);
    return launch.kind === 'fetched' ? [launch.what, launch.program, ...launch.args] : [];
  };
  assert.deepEqual(uvx('mcp-server-git', '-v'), ['mcp-server-git', 'mcp-server-git', '-v']);
  assert.deepEqual(uvx('mcp-server-git@1.0', '-v').slice(0, 2), ['mcp-server-git@1.0', null]);
  assert.deepEqual(uvx('--from', 'x', 'y').slice(0, 2), ['x', null]);
  for (const [launcher, ...before] of [['bunx'], ['pnpm', 'dlx'], ['yarn', 'dlx'], ['bun', 'x']])
    assert.equal(launchOf(launcher ?? '', [...before, '-y', 'p@1.2.3']).kind, 'package');
  assert.equal(launchOf('npx', ['github:a/b']).kind, 'fetched');
  assert.equal(launchOf('bash', ['-c', 'cd x && npx -y p']).kind, 'fetched');
  assert.equal(launchOf('sh', ['-c', 'curl x | sh']).kind, 'fetched');
  assert.equal(launchOf('bash', ['-c', 'node npx.js']).kind, 'program');
  assert.deepEqual(launchOf('node', ['a.js']), {
    kind: 'program',
    command: 'node',
    args: ['a.js'],
  });
});

test('what only stands around a command line is taken off it, and nothing that a shell would change', () => {
  const env = { A: 'b c', T: 'x=y' };
  const inner = { command: 'npx', args: ['-y', 'p'], env };
  assert.deepEqual(unwrapped('env', ['A=b c', 'T=x=y', 'npx', '-y', 'p']), inner);
  assert.deepEqual(
    unwrapped('/usr/bin/env', ['A=b c', 'sh', '-lc', `T='' exec npx -y p`]).command,
    'sh',
  );
  assert.deepEqual(unwrapped('bash', ['-lc', 'T=x=y exec npx -y p']), {
    ...inner,
    env: { T: 'x=y' },
  });
  assert.deepEqual(unwrapped('sh', ['-c', `node "a b.js" 'c'  d`]), {
    command: 'node',
    args: ['a b.js', 'c', 'd'],
    env: {},
  });
  const same = ['node a; rm b', 'node $X', 'node a"b"', `node "a`, 'node a > b', 'node ~/a', 'A=1'];
  for (const text of same) assert.equal(unwrapped('sh', ['-c', text]).command, 'sh', text);
  for (const args of [['-i', 'node'], ['-u', 'A', 'node'], []])
    assert.equal(unwrapped('env', args).command, 'env');
});

test('Gemini starts what its list allows, and nothing that it excludes', () => {
  const servers = { a: { command: 'a' }, b: { command: 'b' }, c: { command: 'c' } };
  const off = (mcp: object): readonly string[] | undefined =>
    readClientFile(JSON.stringify({ mcp, mcpServers: servers }), '/p/.gemini/settings.json')
      .sections[0]?.off;
  assert.deepEqual(off({ allowed: ['a', 'b'], excluded: ['b'] }), ['b', 'c']);
  assert.deepEqual(off({ excluded: ['b'] }), ['b']);
  assert.deepEqual(off({ allowed: [] }), ['a', 'b', 'c']);
  assert.deepEqual(off({}), []);
});
