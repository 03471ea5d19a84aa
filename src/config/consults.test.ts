import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from './load.ts';
import { ConfigProblems } from './problems.ts';

const file = (consult: string, agent = 'model: acme/judge-4') => `version: 1
organisation: { name: acme }
agents:
  support: { owner: dana@acme.example, ${agent} }
consults:
  second: ${consult}
`;

function problemsOf(text: string): string {
  try {
    loadConfig(text, 'signalbox.yaml');
    return '';
  } catch (error) {
    if (error instanceof ConfigProblems)
      return error.problems.map(({ message }) => message).join('\n');
    throw error;
  }
}

const model = (id: string): string =>
  `{ kind: model, api: openai, url: 'https://llm.example/v1/', model: ${id} }`;

test('a model does not judge an agent that uses it, whatever it is called', () => {
  for (const id of ['judge-4', 'acme/judge-4', 'ACME/Judge-4-2026-01-31', 'judge-4-latest'])
    assert.match(problemsOf(file(model(id))), /would judge agent `support`, which uses it itself/);
  assert.equal(problemsOf(file(model('judge-5'))), '');
});

test('a decision point is held to a yes and a no', () => {
  const canary = (expect: string): string => `{ agent: support, tool: pay, expect: ${expect} }`;
  const pdp = (...expected: string[]): string =>
    file(`{ kind: authzen, url: 'https://pdp.example', canaries: [${expected.map(canary)}] }`);
  assert.match(problemsOf(pdp('deny', 'deny')), /all to be answered alike/);
  assert.match(problemsOf(pdp('allow')), /canaries/);
  assert.equal(problemsOf(pdp('allow', 'deny')), '');
});

test('what is not said is filled in', () => {
  const [consult] = loadConfig(file(model('judge-5')), 'signalbox.yaml').consults;
  assert.deepEqual(consult, {
    ...{ name: 'second', kind: 'model', api: 'openai', model: 'judge-5', maxTokens: 300 },
    ...{ url: 'https://llm.example/v1', allowPrivate: false, timeoutMs: 15_000 },
    about: ['write', 'destroy'],
  });
});
