/** Who may import whom: the shape of the house, as tables. */
import { isBuiltin } from 'node:module';
import { isCode, isProduct, isTest, type Problem, type Rule } from './rule.ts';
import type { Import, Source } from './source.ts';

const ruleModules = [
  'judge',
  'policy',
  'lineage',
  'limits',
  'ladder',
  'ledger',
  'tools',
  'boundary',
  'protocols',
  'money',
  'clients',
];

/** Folder of src → folders it may import besides itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  ...Object.fromEntries(ruleModules.map((name) => [name, ['domain']])),
  broker: ['domain', ...ruleModules],
  store: ['domain'],
  connectors: ['domain'],
  credentials: ['domain'],
  identity: ['domain'],
  config: ['domain'],
  surfaces: ['domain', ...ruleModules, 'broker'],
  cli: ['domain', ...ruleModules, 'broker', 'surfaces'],
  'doors.ts': ['domain'],
};

/** `system.ts` and its folder are the wiring; `main.ts` is where the process starts. */
const importsEverything = /^src\/(system\.ts|system\/.*|main\.ts)$/;

/** Reasons are for the reader who wants to add a line. */
const exceptions: readonly { from: string; to: string; reason: string }[] = [
  { from: 'store', to: 'ledger', reason: 'chains an event inside the transaction that records it' },
  { from: 'store', to: 'limits', reason: 'reserves inside the transaction that admits' },
  { from: 'connectors', to: 'boundary', reason: 'all egress and redaction goes through it' },
  { from: 'connectors', to: 'tools', reason: 'executes what a manifest was compiled to' },
  { from: 'connectors', to: 'protocols', reason: 'codecs are used by both sides of the wire' },
  { from: 'credentials', to: 'boundary', reason: 'reaches issuers through the same egress' },
  { from: 'config', to: 'policy', reason: 'policies in a file are checked as policies' },
  { from: 'config', to: 'tools', reason: 'a tool in the file is checked as a tool' },
  {
    from: 'config',
    to: 'boundary',
    reason: 'hidden text and addresses in a file are found by the rules that hold at run time',
  },
  {
    from: 'config',
    to: 'lineage',
    reason: 'a place of a result in the file is read as it is at run time',
  },
  { from: 'config', to: 'ledger', reason: 'a bundle is addressed by its canonical bytes' },
  { from: 'cli', to: 'config', reason: '`init` and `doctor` read the file on this machine' },
];

const area = (path: string): string => path.split('/')[1] ?? '';

function directionProblem(file: Source, used: Import): Problem[] {
  const from = area(file.path);
  if (used.target === undefined) return [];
  if (!used.target.startsWith('src/')) {
    return [{ line: used.line, message: `\`${used.specifier}\` leaves src/` }];
  }
  const to = area(used.target);
  if (from === to) return [];
  const allowed =
    mayImport[from]?.includes(to) ||
    exceptions.some((exception) => exception.from === from && exception.to === to);
  if (allowed) return [];
  const unknown = mayImport[from] === undefined ? ' (a folder the table does not know)' : '';
  return [{ line: used.line, message: `${from}${unknown} must not import ${to}` }];
}

const direction: Rule = {
  name: 'imports flow one way',
  reason:
    'rules stay pure and testable, adapters replaceable; what one module needs from another arrives as facts',
  applies: (path) => isProduct(path) && !importsEverything.test(path),
  check: (file) => file.imports.flatMap((used) => directionProblem(file, used)),
  bad: [
    ['src/domain/run.ts', "import { judge } from '../judge/judge.ts';"],
    ['src/judge/judge.ts', "import type { Limit } from '../limits/limit.ts';"],
    ['src/broker/act.ts', "import { open } from '../store/sqlite/open.ts';"],
    ['src/store/sqlite/open.ts', "export { act } from '../../broker/act.ts';"],
    ['src/surfaces/mcp/serve.ts', "const x = await import('../../system.ts');"],
    ['src/nowhere/x.ts', "import '../domain/run.ts';"],
    ['src/domain/run.ts', "import fixture from '../../test/fixture.ts';"],
    ['src/surfaces/mcp/serve.ts', "import { build } from '../../system/house.ts';"],
    ['src/doors.ts', "import { system } from './system.ts';"],
    ['src/limits/w.ts', "new Worker(new URL('../store/sqlite/worker.ts', import.meta.url));"],
  ],
  good: [
    ['src/broker/act.ts', "import { judge } from '../judge/judge.ts';"],
    ['src/store/sqlite/open.ts', "import { append } from '../../ledger/chain.ts';"],
    ['src/domain/run.ts', "const text = `import { x } from '../judge/judge.ts'`;"],
    ['src/domain/run.ts', "// import { x } from '../judge/judge.ts';"],
    [
      'src/domain/run.ts',
      "import { z } from './zed.ts';\nimport { createHash } from 'node:crypto';",
    ],
  ],
};

/** Members of one folder that must stay strangers to each other. */
const strangers =
  /^src\/(?:(judge\/checks)\/([^/]+)|(connectors)\/([^/]+)\/|(store)\/(sqlite|postgres)\/)/;

function member(path: string): { family: string; name: string } | undefined {
  const found = strangers.exec(path);
  if (!found) return undefined;
  return {
    family: found[1] ?? found[3] ?? found[5] ?? '',
    name: found[2] ?? found[4] ?? found[6] ?? '',
  };
}

const siblings: Rule = {
  name: 'checks, connectors and stores do not know each other',
  reason: 'one of them can be read, tested, replaced or removed without the others',
  applies: (path) => isProduct(path) && member(path) !== undefined,
  check(file) {
    const own = member(file.path);
    return file.imports.flatMap((used) => {
      const other = member(used.target ?? '');
      const foreign = other && own && other.family === own.family && other.name !== own.name;
      if (!foreign) return [];
      return [
        { line: used.line, message: `${own.family}: ${own.name} must not import ${other.name}` },
      ];
    });
  },
  bad: [
    ['src/judge/checks/grant.ts', "import { halted } from './halt.ts';"],
    ['src/connectors/http/begin.ts', "import { connect } from '../postgres/connect.ts';"],
    ['src/store/postgres/open.ts', "import { rows } from '../sqlite/rows.ts';"],
  ],
  good: [
    ['src/judge/checks/grant.ts', "import type { Facts } from '../../domain/facts.ts';"],
    ['src/connectors/http/begin.ts', "import { connect } from './connect.ts';"],
    ['src/connectors/http/begin.ts', "import { limit } from '../limit.ts';"],
  ],
};

/** Package → where it may be imported. One door each, so that it can be replaced. */
const packages: Readonly<Record<string, readonly string[]>> = {
  '@cedar-policy/cedar-wasm': ['policy'],
  ajv: ['tools', 'config', 'protocols'],
  jose: ['identity'],
  'jsonc-parser': ['clients'],
  'libpg-query': ['tools', 'connectors', 'config'],
  oauth4webapi: ['credentials'],
  pg: ['connectors', 'store', 'credentials'],
  'smol-toml': ['clients'],
  undici: ['connectors', 'boundary', 'credentials'],
  yaml: ['config', 'cli', 'lineage'],
  'z3-solver': ['system'],
};

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

const dependencies: Rule = {
  name: 'each package enters through its own door',
  reason:
    'a dependency that is used in one place can be replaced there; tests and tools never ship',
  applies: isProduct,
  check: (file) =>
    file.imports.flatMap(({ specifier, line }) => {
      if (specifier.startsWith('.') || isBuiltin(specifier)) {
        return specifier.startsWith('node:test')
          ? [{ line, message: 'the test runner does not belong into what ships' }]
          : [];
      }
      const allowed = packages[packageOf(specifier)];
      if (!allowed) {
        return [{ line, message: `\`${specifier}\` is not a runtime dependency of Signalbox` }];
      }
      if (allowed.includes(area(file.path))) return [];
      return [{ line, message: `\`${specifier}\` is for ${allowed.join(', ')} only` }];
    }),
  bad: [
    ['src/broker/act.ts', "import pg from 'pg';"],
    ['src/tools/schema.ts', "import fc from 'fast-check';"],
    ['src/tools/schema.ts', "import { Client } from '@modelcontextprotocol/client';"],
    ['src/tools/schema.ts', "import { test } from 'node:test';"],
  ],
  good: [
    ['src/tools/schema.ts', "import { Ajv } from 'ajv/dist/2020.js';\nimport fs from 'node:fs';"],
  ],
};

const pureFolders = ['domain', ...ruleModules.filter((name) => name !== 'boundary')];
const outside = [
  ...['fs', 'net', 'tls', 'dgram', 'dns', 'http', 'http2', 'https', 'child_process', 'cluster'],
  ...['worker_threads', 'sqlite', 'os', 'process', 'timers', 'readline', 'inspector', 'repl', 'vm'],
].map((name) => `node:${name}`);
const reachesOutside = (specifier: string): boolean =>
  ['pg', 'undici', ...outside].some(
    (name) => specifier === name || specifier.startsWith(`${name}/`),
  );

const pure: Rule = {
  name: 'rule modules do no I/O',
  reason: 'a decision follows from its facts alone, so that it can be replayed and simulated',
  applies: (path) => isProduct(path) && pureFolders.includes(area(path)),
  check: (file) =>
    file.imports.flatMap(({ specifier, line }) =>
      reachesOutside(specifier)
        ? [{ line, message: `\`${specifier}\` reaches outside: pass the fact in instead` }]
        : [],
    ),
  bad: [
    ['src/judge/judge.ts', "import { readFileSync } from 'node:fs';"],
    ['src/ledger/chain.ts', "import { writeFile } from 'node:fs/promises';"],
  ],
  good: [['src/ledger/chain.ts', "import { createHash } from 'node:crypto';"]],
};

const extensions: Rule = {
  name: 'relative imports name the real file',
  reason:
    'Node runs the source as it is; a `.js` that does not exist would only be found at run time',
  applies: isCode,
  check: (file) =>
    file.imports.flatMap(({ specifier, target, line }) => {
      if (target === undefined || /\.(ts|json|css|html|svg|sql)$/.test(specifier)) return [];
      // `bin/` is plain JavaScript: it must start, and say so, on a Node that cannot run the rest
      if (file.path.endsWith('.js') || target.startsWith('bin/')) return [];
      return [{ line, message: `\`${specifier}\`: write the file with its \`.ts\`` }];
    }),
  bad: [
    ['src/broker/act.ts', "import { x } from './x.js';"],
    ['test/e2e/a.test.ts', "import { x } from '../../src/broker/act';"],
  ],
  good: [['src/broker/act.ts', "import { x } from './x.ts';\nimport pg from 'pg';"]],
};

const noDist: Rule = {
  name: 'nothing imports the build',
  reason: 'a test of an old build proves nothing about the source',
  applies: (path) => path.endsWith('.ts'),
  check: (file) =>
    file.imports.flatMap(({ specifier, target, line }) =>
      target?.startsWith('dist/') || specifier === 'signalbox'
        ? [{ line, message: `\`${specifier}\` is the built package: import the source` }]
        : [],
    ),
  bad: [['test/e2e/a.test.ts', "import { main } from '../../dist/main.js';"]],
  good: [['test/e2e/a.test.ts', "import { main } from '../../src/main.ts';"]],
};

const barrels: Rule = {
  name: 'no barrel files',
  reason: 'an import names where a thing lives; a barrel hides it and makes cycles easy',
  applies: (path) => path.startsWith('src/') && isCode(path) && !isTest(path),
  check: (file) => [
    ...(/(^|\/)index\.ts$/.test(file.path)
      ? [{ line: 1, message: 'name the file after what it holds, not `index.ts`' }]
      : []),
    ...[...file.code.matchAll(/\bexport\s+(?:type\s+)?\*/g)].map((match) => ({
      line: file.code.slice(0, match.index).split('\n').length,
      message: '`export *` passes names on: import them from where they are',
    })),
  ],
  bad: [
    ['src/domain/index.ts', 'export const a = 1;'],
    ['src/domain/run.ts', "export * from './mode.ts';"],
  ],
  good: [['src/domain/run.ts', "export { a } from './mode.ts';"]],
};

export const importRules: readonly Rule[] = [
  direction,
  siblings,
  dependencies,
  pure,
  extensions,
  noDist,
  barrels,
];
