import type { Mutation } from './mutations.ts';

/** Credentials: made elsewhere, ended there, and never told. */
export const OF_CREDENTIALS: readonly Mutation[] = [
  {
    control: 'no known secret goes to a webhook',
    file: 'src/broker/alerts.ts',
    find: 'facts: this.#parts.redact(facts)',
    replace: 'facts',
    test: 'test/e2e/alerts.test.ts',
  },
  {
    control: 'what a target says is searched for every known secret',
    file: 'src/broker/settle.ts',
    find: 'const settlement = safeSettlement(broker.withhold, found);\n  const recorded',
    replace: 'const settlement = found;\n  const recorded',
    test: 'test/properties/agent_never_holds_credentials.test.ts',
    slow: true,
  },
  {
    control: 'a token of GitHub is dead when it is refused',
    file: 'src/credentials/github-app.ts',
    find: 'if (answer.status !== 401) return false;',
    replace: '',
    test: 'src/credentials/github-app.test.ts',
  },
  {
    control: 'what GitHub gave beyond what was asked is not used',
    file: 'src/credentials/github-app.ts',
    find: 'if (wider !== null)',
    replace: "if (wider === '')",
    test: 'src/credentials/github-app.test.ts',
  },
  {
    control: 'sessions of a dropped role are ended',
    file: 'src/credentials/vault/database.ts',
    find: "if (typeof kept.user === 'string') await endSessions(database, connection, kept.user);",
    replace: '',
    test: 'src/credentials/vault/vault.test.ts',
    slow: true,
  },
  {
    control: 'a login that no lease owns is ended',
    file: 'src/credentials/strays.ts',
    find: 'await issuer.endStray(handle, connection);',
    replace: '',
    test: 'src/credentials/postgres-role.test.ts',
    slow: true,
  },
  {
    control: 'a secret in two pieces is withheld',
    file: 'src/boundary/redact.ts',
    find: 'return spans ? MARK : this.#redact(text);',
    replace: 'return text;',
    test: 'src/boundary/known-secrets.test.ts',
  },
  {
    control: 'a run on behalf of a user can do what that user may',
    file: 'src/broker/gather.ts',
    find: 'if (run.subject !== undefined && !userMay(bundle, run.subject, tool)) return null;',
    replace: '',
    test: 'test/properties/subject_never_widens.test.ts',
  },
  {
    control: 'only a trusted agent names whom it acts for',
    file: 'src/broker/runs.ts',
    find: 'requireSubject(bundle, agent, request.subject ?? null);',
    replace: '',
    test: 'test/properties/subject_never_widens.test.ts',
  },
  {
    control: 'a file that names a program is nobody else’s',
    file: 'src/credentials/key-source.ts',
    find: 'textOf(join(directory, SOURCE_FILE), 0o022)',
    replace: 'textOf(join(directory, SOURCE_FILE), 0)',
    test: 'src/credentials/key-source.test.ts',
  },
];
