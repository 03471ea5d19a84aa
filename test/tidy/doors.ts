/** Which words only a few files may say: the doors to the outside, and the one hot path. */
import { isProduct, matches, type Rule } from './rule.ts';

/** Files where the outside enters. Everything else is given clock, entropy and timers. */
const doorFiles = [/^src\/doors\.ts$/, /^src\/main\.ts$/, /^src\/cli\//];
const isDoor = (path: string): boolean => doorFiles.some((door) => door.test(path));

interface Banned {
  readonly pattern: RegExp;
  readonly instead: string;
}

const banned: readonly Banned[] = [
  { pattern: /\bDate\.now\b/, instead: '`Clock.now()`' },
  { pattern: /\bnew\s+Date\(\s*\)|(?<!new\s+)(?<![\w.])Date\(\)/, instead: '`Clock.now()`' },
  { pattern: /\bperformance\.now\b|\bprocess\.hrtime\b/, instead: '`Clock.monotonic()`' },
  { pattern: /\bMath\.random\b/, instead: '`Entropy.bytes()`' },
  {
    pattern: /\b(?:randomUUID|randomBytes|randomInt|randomFill(?:Sync)?|getRandomValues)\b/,
    instead: '`Entropy.bytes()` or `Entropy.id()`',
  },
  {
    pattern: /(?<![\w#]|(?<!globalThis)\.)(?:setTimeout|setInterval|setImmediate)\b(?!\s*\??:)/,
    instead: '`Timers.after()` or `Timers.every()`',
  },
  { pattern: /\bAbortSignal\.timeout\b/, instead: '`Timers.after()` and an `AbortController`' },
  {
    pattern: /(?<![\w#]|(?<!globalThis)\.)fetch\s*\(/,
    instead: 'the egress of `boundary/`, given by construction',
  },
  { pattern: /\bnew\s+(?:WebSocket|EventSource)\b/, instead: 'the egress of `boundary/`' },
  { pattern: /\bprocess\.env\b/, instead: 'a value passed in from `main.ts`' },
  { pattern: /\bprocess\.exit\b/, instead: 'an exit code returned to `main.ts`' },
];

const globals: Rule = {
  name: 'the outside enters through the doors',
  reason: 'the simulator drives production code with its own clock, chance, timers and network',
  applies: (path) => isProduct(path) && !isDoor(path),
  check: (file) => [
    ...banned.flatMap(({ pattern, instead }) =>
      matches(file.code, pattern, `\`$&\`: use ${instead}`),
    ),
    ...file.imports
      .filter(({ specifier }) => /^node:(timers|process)(\/|$)/.test(specifier))
      .map(({ specifier, line }) => ({ line, message: `\`${specifier}\`: use the doors` })),
  ],
  bad: [
    ['src/broker/act.ts', 'const at = Date.now();'],
    ['src/broker/act.ts', 'const at = new Date( );'],
    ['src/broker/act.ts', 'const at = performance.now();'],
    ['src/broker/act.ts', 'const n = Math.random();'],
    ['src/broker/act.ts', "import { randomUUID } from 'node:crypto';"],
    ['src/broker/act.ts', 'crypto.getRandomValues(new Uint8Array(4));'],
    ['src/broker/act.ts', 'setTimeout(() => {}, 1);'],
    ['src/broker/act.ts', 'globalThis.setTimeout(run, 1);'],
    ['src/broker/act.ts', "import { setTimeout as sleep } from 'node:timers/promises';"],
    ['src/broker/act.ts', 'const signal = AbortSignal.timeout(5);'],
    ['src/broker/act.ts', 'await fetch(url);'],
    ['src/broker/act.ts', 'const text = `at ${Date.now()}`;'],
    ['src/broker/act.ts', 'const home = process.env.HOME;'],
    ['src/broker/act.ts', 'process.exit(1);'],
  ],
  good: [
    [
      'src/broker/act.ts',
      "const at = new Date(clock.now());\n// Date.now\nconst s = 'Date.now()';",
    ],
    ['src/broker/act.ts', 'server.setTimeout(5);\nawait egress.fetch(url);\nclock.now();'],
    ['src/broker/act.ts', 'const text = `Date.now() ${clock.now()}`;'],
  ],
};

const printing: Rule = {
  name: 'only the command line prints',
  reason:
    'what a module prints can hold a secret and cannot be tested; it returns or records instead',
  applies: (path) => isProduct(path) && !isDoor(path),
  check: (file) =>
    matches(
      file.code,
      /(?<![\w.])console\.\w+|\bprocess\.std(?:out|err)\.write\b/,
      '`$&`: return the text, or take a `report` function by construction',
    ),
  bad: [
    ['src/broker/act.ts', "console.log('x');"],
    ['src/broker/act.ts', "process.stderr.write('x');"],
  ],
  good: [['src/broker/act.ts', "// console.log('x')\nreport('x');"]],
};

/** The files that may drive a connector. Connectors call their own parts as `this.…`. */
const drivers = ['src/broker/act.ts', 'src/broker/recover.ts'];
/** Never given a connector; a chain may begin here. */
const strangersToConnectors = /^src\/(store|ledger)\//;

const onePath: Rule = {
  name: 'only act and recover drive a connector',
  reason: 'a second caller of `begin`, `finish` or `probe` is a second way to cause an effect',
  applies: (path) =>
    isProduct(path) && !drivers.includes(path) && !strangersToConnectors.test(path),
  check: (file) =>
    matches(
      file.code,
      /(?<!\bthis)\??\.(?:begin|finish|probe)\s*\(/,
      '`$&…)` is said only in broker/act.ts and broker/recover.ts',
    ),
  bad: [
    ['src/broker/undo.ts', 'const flight = await connector.begin(call, sink);'],
    ['src/surfaces/mcp/call.ts', 'await flight.finish();'],
    ['src/connectors/http/x.ts', 'await other?.probe(intent);'],
  ],
  good: [
    ['src/connectors/http/x.ts', 'async begin(call, sink) { return this.finish(call); }'],
    ['src/broker/undo.ts', '// connector.begin(call)'],
  ],
};

export const doorRules: readonly Rule[] = [globals, printing, onePath];
