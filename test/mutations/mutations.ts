import { OF_CONSULTS } from './of-consults.ts';
import { OF_CREDENTIALS } from './of-credentials.ts';
import { OF_LINEAGE } from './of-lineage.ts';
import { OF_LOOPS } from './of-loops.ts';
import { OF_MCP } from './of-mcp.ts';
import { OF_NARROW } from './of-narrow.ts';
import { OF_POLICY } from './of-policy.ts';
import { OF_POSTGRES } from './of-postgres.ts';
import { OF_REPLICAS } from './of-replicas.ts';
import { OF_SQL } from './of-sql.ts';
import { OF_TOOLS } from './of-tools.ts';

/** One control switched off: `find` (once in `file`) becomes `replace`, and `test` must fail. */
export interface Mutation {
  readonly control: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly test: string;
  /** Left out of `--short`. */
  readonly slow?: true;
}

const property = (name: string): string => `test/properties/${name}.test.ts`;

export const MUTATIONS: readonly Mutation[] = [
  ...OF_REPLICAS,
  ...OF_POSTGRES,
  ...OF_CREDENTIALS,
  ...OF_SQL,
  ...OF_MCP,
  ...OF_NARROW,
  ...OF_POLICY,
  ...OF_LOOPS,
  ...OF_LINEAGE,
  ...OF_CONSULTS,
  ...OF_TOOLS,
  {
    control: 'the lowest ceiling wins',
    file: 'src/judge/judge.ts',
    find: 'ceiling = lower(ceiling, verdict.ceiling);',
    replace: 'ceiling = verdict.ceiling;',
    test: property('lowest_ceiling_wins'),
  },
  {
    control: 'a check that throws denies',
    file: 'src/judge/judge.ts',
    find: "ceiling: 'deny',\n      code: 'CHECK_FAILED'",
    replace: "ceiling: 'auto',\n      code: 'CHECK_FAILED'",
    test: property('default_deny'),
  },
  {
    control: 'no grant denies',
    file: 'src/judge/checks/grant.ts',
    find: "ceiling: 'deny',\n      code: 'NOT_GRANTED'",
    replace: "ceiling: 'auto',\n      code: 'NOT_GRANTED'",
    test: property('default_deny'),
  },
  {
    control: 'the reversibility gate',
    file: 'src/judge/checks/reversibility.ts',
    find: "ceiling: 'approve',\n    code: 'IRREVERSIBLE'",
    replace: "ceiling: 'auto',\n    code: 'IRREVERSIBLE'",
    test: property('irreversible_never_auto'),
  },
  {
    control: 'the type cannot hold an irreversible auto',
    file: 'src/domain/decision.ts',
    find: "{ mode: 'approve', nature, verdicts }",
    replace: "({ mode: 'auto', nature, verdicts } as never)",
    test: property('irreversible_never_auto'),
  },
  {
    control: 'a recovery path in production stays',
    file: 'src/judge/checks/reversibility.ts',
    find: "production ? 'deny' : 'approve'",
    replace: "'approve'",
    test: property('irreversible_never_auto'),
  },
  {
    control: 'the intent is durable before the effect',
    file: 'src/broker/act.ts',
    find: "if (!(await recordIntent(broker, intent))) return 'again'; // 4.",
    replace: '// 4.',
    test: property('no_effect_without_intent'),
  },
  {
    control: 'a read is told only after its record',
    file: 'src/broker/settle.ts',
    find: 'const kept = await broker.store.commit(joint);',
    replace: 'const kept = { ok: true }; void broker.store.commit(joint).catch(() => {});',
    test: property('no_effect_without_intent'),
  },
  {
    control: 'the mark is durable before the finish',
    file: 'src/broker/act.ts',
    find: 'if (!(await recordMark(broker, intent, aloft, flight))) {',
    replace: 'void recordMark(broker, intent, aloft, flight).catch(() => {});\n    if (false) {',
    test: property('no_effect_without_intent'),
  },
  {
    control: 'the judge looks at halts',
    file: 'src/judge/judge.ts',
    find: "  ['halt', halt],\n",
    replace: '',
    test: property('halt_is_total'),
  },
  {
    control: 'a halt aborts what flies',
    file: 'src/broker/bring-down.ts',
    find: '= broker.flights.abort(scope);',
    replace: '= { aborted: 0, sent: 0, landed: Promise.resolve(true as const) };',
    test: property('halt_is_total'),
  },
  {
    control: 'what left the process group is found and killed',
    file: 'src/connectors/kin.ts',
    find: 'for (const one of found) kill(one);',
    replace: '',
    test: 'src/connectors/mcp/halted-child.test.ts',
    slow: true,
  },
  {
    control: 'a halt of this machine closes the gate without the store',
    file: 'src/broker/local-halts.ts',
    find: 'bringDown(this.#broker, scope, runs)',
    replace: "bringDown(this.#broker, 'all:none', runs)",
    test: 'test/e2e/local-halt.test.ts',
    slow: true,
  },
  {
    control: 'a halted credential is replaced by no other',
    file: 'src/broker/gather.ts',
    find: '.filter((scope) => named.has(scope))',
    replace: '.filter(() => false)',
    test: property('halt_is_total'),
  },
  {
    control: 'a halt of a model reaches who declares it',
    file: 'src/judge/checks/halt.ts',
    find: 'models: modelsOf(facts.bundle, actorsOf(facts.run)),',
    replace: 'models: [],',
    test: property('halt_is_total'),
  },
  {
    control: 'too many refusals halt the run',
    file: 'src/broker/act.ts',
    find: "if (outcome.kind !== 'done') mind(broker, facts, outcome);",
    replace: 'void mind;',
    test: 'test/e2e/alerts.test.ts',
    slow: true,
  },
  {
    control: 'an alert goes only where a connection may go',
    file: 'src/boundary/way-out.ts',
    find: "return allowPrivate ? 'any' : 'public';",
    replace: "return 'any';",
    test: 'test/e2e/alerts.test.ts',
    slow: true,
  },
  {
    control: 'a second operator lifts a halt',
    file: 'src/broker/unhalt.ts',
    find: 'if (alone && (await broker.store.operatorCount()) > 1)',
    replace: 'if (false)',
    test: 'src/surfaces/admin/api.test.ts',
  },
  {
    control: 'a halt revokes credentials at their source',
    file: 'src/broker/halt.ts',
    find: 'broker.credentials.endThese(covered);',
    replace: 'broker.credentials.endThese([]);',
    test: property('halt_is_total'),
  },
  {
    control: 'a human sees the rows that will change',
    file: 'src/judge/checks/approval.ts',
    find: 'preState === measured.preState',
    replace: 'true',
    test: property('approval_is_exact'),
  },
  {
    control: 'an approval covers one tool definition',
    file: 'src/judge/course.ts',
    find: 'binding.toolDigest === facts.tool?.digest &&',
    replace: '',
    test: property('approval_is_exact'),
  },
  {
    control: 'an approval covers one target',
    file: 'src/judge/course.ts',
    find: 'binding.target === targetOf(facts)',
    replace: 'true',
    test: property('approval_is_exact'),
  },
  {
    control: 'an answer is bound to what was shown',
    file: 'src/broker/answer.ts',
    find: 'ask.approval.digest !== given.digest',
    replace: 'false',
    test: property('approval_is_exact'),
  },
  {
    control: 'an approval is used up by the intent it allows',
    file: 'src/broker/execute.ts',
    find: "execute && decision.mode === 'approve' ? (facts.approval?.id ?? null) : null",
    replace: 'null',
    test: property('approval_is_exact'),
  },
  {
    control: 'a credential that comes back from its target is withheld',
    file: 'src/connectors/http/connector.ts',
    find: 'const redact = redactorOf(call.credential);',
    replace: 'const redact = (text: string) => text;',
    test: property('agent_never_holds_credentials'),
    slow: true,
  },
  {
    control: 'a reservation never passes its limit',
    file: 'src/store/actions.ts',
    find: 'fits &&= posted + pending + amount <= limit;',
    replace: '',
    test: property('spent_plus_pending_le_limit'),
  },
  {
    control: 'a refused op changes nothing',
    file: 'src/store/sqlite/core.ts',
    find: "this.#tx.database.run('ROLLBACK TO op');",
    replace: '',
    test: 'test/contract/store-sqlite.test.ts',
  },
  {
    control: 'verify recomputes every hash',
    file: 'src/ledger/verify.ts',
    find: 'if (record.hash !== hash)',
    replace: 'if (false)',
    test: property('ledger_is_evidence'),
  },
  {
    control: 'verify holds every tile against the records',
    file: 'src/ledger/verify-tree.ts',
    find: 'Buffer.compare(stored, tile.hashes) !== 0',
    replace: 'false',
    test: property('ledger_is_evidence'),
  },
  {
    control: 'verify holds the newest checkpoint against the records',
    file: 'src/ledger/verify-tree.ts',
    find: 'if (this.#edge.size === signed) this.#checkSigned();',
    replace: '',
    test: property('ledger_is_evidence'),
  },
  {
    control: 'every record is sealed once',
    file: 'src/store/sqlite/op-seal.ts',
    find: 'edge.append(recordLeaf(record));',
    replace: 'edge.append(recordLeaf(records[0] ?? record));',
    test: property('ledger_is_evidence'),
  },
  {
    control: 'a checkpoint is believed by its signature only',
    file: 'src/ledger/signed-note.ts',
    find: 'if (!own.every(({ signature }) => verifyBytes(null, bytes, key.public, signature)))',
    replace: 'if (false)',
    test: 'src/ledger/checkpoint.test.ts',
  },
  {
    control: 'a later tree continues the one that was kept',
    file: 'src/ledger/tree.ts',
    find: 'old.equals(firstRoot) && ',
    replace: '',
    test: 'src/ledger/tree.test.ts',
  },
  {
    control: 'a ledger that was put back does not go on in the file of its checkpoints',
    file: 'src/store/publish.ts',
    find: "if (problems.length > 0) throw notContinued(file, problems.join('; '));",
    replace: '',
    test: 'src/store/publish.test.ts',
  },
  {
    control: 'one replica at a time seals',
    file: 'src/store/postgres/op-seal.ts',
    find: "if (lock?.ours !== true) return refused('elsewhere');",
    replace: '',
    test: 'test/contract/postgres-sealers.test.ts',
    slow: true,
  },
  {
    control: 'a plan is applied on what it was compared with',
    file: 'src/store/sqlite/op-ledger.ts',
    find: 'if (controlOf(tx).bundle !== op.expected)',
    replace: 'if (false)',
    test: 'test/contract/store-sqlite.test.ts',
  },
  {
    control: 'widening authority needs an owner',
    file: 'src/broker/apply.ts',
    find: "operator.role !== 'owner'",
    replace: 'false',
    test: property('files_only_propose'),
  },
  {
    control: 'the loader refuses autonomy that was not earned',
    file: 'src/config/compile.ts',
    find: '...rungProblems(config, granted.grants, tools),',
    replace: '',
    test: 'src/config/plan.test.ts',
  },
  {
    control: 'what a target says on the way waits for the intent',
    file: 'src/broker/late-intent.ts',
    find: 'await this.#recorded();\n        return outer.tell(notice);',
    replace: 'return outer.tell(notice);',
    test: property('no_effect_without_intent'),
  },
  {
    control: 'no lease is begun under a halt',
    file: 'src/store/sqlite/op-ledger.ts',
    find: "lease.state === 'minting' && isHalted(tx, scopes, lease.runId)",
    replace: 'false',
    test: 'test/contract/store-sqlite.test.ts',
  },
  {
    control: 'the lowest rung of everybody who acts counts',
    file: 'src/broker/gather.ts',
    find: 'if (run.actsFor.length === 0) return rungOfAgent',
    replace: 'if (run.actsFor.length >= 0) return rungOfAgent',
    test: property('attenuation_never_widens'),
  },
  {
    control: 'a run uses the tools it was begun for',
    file: 'src/judge/checks/grant.ts',
    find: 'if (run?.tools?.includes(toolName) === false)',
    replace: 'if (false)',
    test: property('attenuation_never_widens'),
  },
  {
    control: 'what a sub-run spends is drawn on every limit above',
    file: 'src/limits/blast-radius.ts',
    find: '{ run: run.id, budget: run.budget }, ...run.actsFor]',
    replace: '{ run: run.id, budget: run.budget }]',
    test: property('attenuation_never_widens'),
  },
  {
    control: 'a sub-run lasts no longer than its parent',
    file: 'src/domain/run.ts',
    find: 'if (child.expiresAt > parent.expiresAt)',
    replace: 'if (false)',
    test: 'test/contract/store-sqlite.test.ts',
  },
  {
    control: 'the store begins no run that is more than its parent',
    file: 'src/store/tree.ts',
    find: 'if (wider !== null) throw',
    replace: 'if (wider === "") throw',
    test: 'test/contract/store-sqlite.test.ts',
  },
  {
    control: 'the end of a run is the end of all under it',
    file: 'src/store/sqlite/op-runs.ts',
    find: 'for (const runId of ended) endOne',
    replace: 'for (const runId of [] as string[]) endOne',
    test: 'test/contract/store-sqlite.test.ts',
  },
  {
    control: 'a halt above a run is one of its scopes',
    file: 'src/domain/halt.ts',
    find: 'run.actsFor.map((above) =>',
    replace: '[].map((above: { run: string }) =>',
    test: 'test/e2e/sub-runs.test.ts',
  },
];
