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
    file: 'src/broker/halt.ts',
    find: '= broker.flights.abort(request.scope);',
    replace: '= { aborted: 0, sent: 0, landed: Promise.resolve(true as const) };',
    test: property('halt_is_total'),
  },
  {
    control: 'a halt revokes credentials at their source',
    file: 'src/broker/halt.ts',
    find: 'await broker.credentials.revoke(({ id }) => ids.has(id))',
    replace: 'await broker.credentials.revoke(({ id }) => ids.has(id) && false)',
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
    control: 'a tool that its server changed is not called',
    file: 'src/connectors/mcp/flight.ts',
    find: "    case 'changed':\n      throw",
    replace: "    case 'changed':\n      if (name === '') throw",
    test: 'src/connectors/mcp/hostile-http.test.ts',
  },
  {
    control: 'a session is for the run or secret it was begun with',
    file: 'src/surfaces/mcp/sessions.ts',
    find: 'session.holder !== holderOf(caller) ||',
    replace: '',
    test: 'src/surfaces/mcp/sessions.test.ts',
  },
  {
    control: 'a request state is for its own arguments',
    file: 'src/surfaces/mcp/tool-call.ts',
    find: 'state.argumentsDigest !== argumentsDigest(call.arguments)',
    replace: 'false',
    test: 'src/surfaces/mcp/questions.test.ts',
  },
];
