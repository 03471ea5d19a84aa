import { resolve } from 'node:path';
import { readConfigText } from '../../config/file.ts';
import { readSource } from '../../config/source.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { PolicyAnswer } from '../../policy/ask.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import { sentConfig } from '../sent-config.ts';

interface Expected {
  readonly name: string;
  readonly question: JsonObject;
  readonly mode: string;
  readonly policies: readonly string[] | null;
}

export const policyTest: Command = {
  name: 'policy test',
  summary:
    'ask the policies of a signalbox.yaml about the actions of a test file; exit code 1 when one differs',
  usage: 'TESTS [FILE]',
  positionals: [1, 2],
  options: {},
  run: async ({ api, io, style, positionals: [tests = '', file = 'signalbox.yaml'] }) => {
    const expected = expectedIn(await readConfigText(resolve(io.cwd, tests)), tests);
    const asked = await api.post('/api/policies/ask', {
      ...(await sentConfig(io, file)),
      questions: JSON.stringify(expected.map(({ question }) => question)),
    });
    const answers = asked.answers as unknown as PolicyAnswer[];
    const results = expected.map(({ name, mode, policies }, index) => {
      const got = answers[index];
      const ok =
        got?.ceiling === mode && (policies === null || sorted(policies) === sorted(got.policies));
      return {
        name,
        ok,
        expected: { mode, policies },
        got: { mode: got?.ceiling ?? '', policies: got?.policies ?? [] },
      };
    });
    const used = new Set(answers.flatMap(({ policies }) => policies));
    const all = new Set(answers.flatMap(({ slice }) => slice.map(({ id }) => id)));
    const unmet = [...all].filter((id) => !used.has(id)).sort();
    const failed = results.filter(({ ok }) => !ok);
    return {
      json: {
        passed: results.length - failed.length,
        failed: failed.length,
        results: results as never,
        unmet,
      },
      text: [
        ...results.map(({ name, ok, expected: want, got }) =>
          ok
            ? `${style.good('ok')}    ${plain(name)}`
            : `${style.bad('FAIL')}  ${plain(name)}: expected ${told(want)}, got ${told(got)}`,
        ),
        ...(unmet.length === 0 ? [] : [`no test was decided by: ${plain(unmet.join(', '))}`]),
      ].join('\n'),
      exit: failed.length > 0 ? EXIT.failed.code : EXIT.ok.code,
    };
  },
};

function told({ mode, policies }: { mode: string; policies: readonly string[] | null }): string {
  return policies === null
    ? mode
    : `${mode} by ${policies.length === 0 ? 'none' : policies.join(', ')}`;
}

function sorted(ids: readonly string[]): string {
  return ids.toSorted().join('\n');
}

/** Throws CONFIG_… for a file that is no list of tests. */
function expectedIn(text: string, path: string): readonly Expected[] {
  const { value, problems } = readSource(text, path);
  const [first] = problems;
  if (first !== undefined) throw new SignalboxError(first.code, first.message, { at: first.at });
  const tests: Json = isJsonObject(value) ? (value.tests ?? null) : null;
  if (!Array.isArray(tests) || tests.length === 0)
    throw new SignalboxError('CONFIG_INVALID', `expected a list \`tests\` in \`${path}\``, {
      at: path,
    });
  return tests.map((test: Json, index) => {
    const { name = `test ${index + 1}`, expect, ...question } = isJsonObject(test) ? test : {};
    const { mode, policies = null } = isJsonObject(expect) ? expect : {};
    if (typeof mode !== 'string' || !(policies === null || Array.isArray(policies)))
      throw new SignalboxError(
        'CONFIG_INVALID',
        `test \`${String(name)}\`: expected \`expect: { mode: …, policies: […] }\``,
        { at: path },
      );
    return {
      name: String(name),
      question,
      mode,
      policies: policies === null ? null : policies.map(String),
    };
  });
}
