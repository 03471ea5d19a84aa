import type { Mutation } from './mutations.ts';

const E2E = 'test/e2e/lineage.test.ts';
const PROPERTY = 'test/properties/lineage_never_disappears.test.ts';

/** Where arguments come from, and what texts carry. */
export const OF_LINEAGE: readonly Mutation[] = [
  {
    control: 'what only a stranger wrote is asked about',
    file: 'src/judge/checks/provenance.ts',
    find: "case 'untrusted':\n      if (!matters(proof, tool)) return null;",
    replace: "case 'untrusted':\n      if (matters(proof, tool)) return null;",
    test: E2E,
  },
  {
    control: 'what only a stranger wrote destroys nothing',
    file: 'src/judge/checks/provenance.ts',
    find: "ceiling: final ? 'deny' : 'approve',",
    replace: "ceiling: final ? 'approve' : 'approve',",
    test: E2E,
  },
  {
    control: 'the end of a longer address proves nothing',
    file: 'src/lineage/spelling.ts',
    find: 'if (!joinedLeft(text, start) && !joinedRight(text, end)) return { start, end };',
    replace: 'return { start, end };',
    test: 'src/lineage/proofs.test.ts',
  },
  {
    control: 'few characters prove nothing',
    file: 'src/lineage/spelling.ts',
    find: 'export const LEAST_PROOF = 4;',
    replace: 'export const LEAST_PROOF = 1;',
    test: 'src/lineage/proofs.test.ts',
  },
  {
    control: 'the text of an error is never trusted',
    file: 'src/lineage/source.ts',
    find: 'if (told === null || told.isError) return found;',
    replace: 'if (told === null) return found;',
    test: E2E,
  },
  {
    control: 'a prefix is not climbed out of',
    file: 'src/lineage/source.ts',
    find: 'return path.startsWith(prefix) &&',
    replace: 'return path.startsWith(prefix) ||',
    test: 'src/lineage/source.test.ts',
  },
  {
    control: 'a leaf of what a run wrote that had read is not trusted',
    file: 'src/lineage/source.ts',
    find: 'return this.rule.trusted.length > 0 && this.carried.length === 0;',
    replace: 'return this.rule.trusted.length > 0;',
    test: PROPERTY,
  },
  {
    control: 'what a run writes carries what it had seen',
    file: 'src/broker/lineage.ts',
    find: 'if (marks.length === 0) return undefined;',
    replace: 'if (marks.length >= 0) return undefined;',
    test: PROPERTY,
  },
  {
    control: 'what comes back is a source',
    file: 'src/broker/lineage.ts',
    find: 'this.#receive(tree, heard, tool);',
    replace: '',
    test: PROPERTY,
  },
  {
    control: 'only the root’s intent is the principal’s',
    file: 'src/broker/lineage.ts',
    find: "const intent = root?.intent ?? '';",
    replace:
      "const intent = (await Promise.all((await store.runsUnder(tree.root)).map((id) => store.run(id)))).map((run) => run?.intent ?? '').join(' ');",
    test: PROPERTY,
  },
  {
    control: 'a secret does not leave in a text',
    file: 'src/judge/checks/confidentiality.ts',
    find: "ceiling: 'deny',\n    code: 'SECRET_IN_TEXT',",
    replace: "ceiling: 'auto',\n    code: 'SECRET_IN_TEXT',",
    test: E2E,
  },
  {
    control: 'labelled words go to their readers only',
    file: 'src/lineage/flows.ts',
    find: "if (readers !== null && (reached.length === 0 || !reached.every(isRead))) return 'labelled';",
    replace: '',
    test: 'src/lineage/source.test.ts',
  },
  {
    control: 'what a memory gives back carries what its writers had seen',
    file: 'src/broker/lineage.ts',
    find: 'if (lineage?.memory !== undefined) objects',
    replace: 'if (lineage?.memory === null) objects',
    test: PROPERTY,
  },
  {
    control: 'a row is known by two of its cells',
    file: 'src/lineage/flows.ts',
    find: "(kind === 'labelled' ? sharedRow(said, source) : null)",
    replace: 'null',
    test: 'src/lineage/source.test.ts',
  },
  {
    control: 'what a stranger’s tool says of itself is a stranger’s word',
    file: 'src/lineage/proofs.ts',
    find: 'book.find(text) ?? listed?.find(text) ?? null',
    replace: 'book.find(text) ?? null',
    test: 'src/lineage/proofs.test.ts',
  },
  {
    control: 'an agent does not speak for its principal',
    file: 'src/surfaces/runs/routes.ts',
    find: "if (caller.kind !== 'agent')\n          throw new SignalboxError('TOKEN_AUDIENCE', 'expected the secret of the agent');",
    replace: '',
    test: E2E,
  },
  {
    control: 'nobody speaks for a principal in a sub-run',
    file: 'src/broker/say.ts',
    find: 'if (run.parent !== null)',
    replace: "if (run.parent === '')",
    test: E2E,
  },
  {
    control: 'an address that reaches somebody outside is looked at',
    file: 'src/lineage/flows.ts',
    find: 'lineage.outward || reached.some((to) => !isInside(to, ground.organisation))',
    replace: 'lineage.outward',
    test: 'src/lineage/source.test.ts',
  },
];
