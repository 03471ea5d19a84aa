import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bundle, EMPTY_BUNDLE, type Tool } from '../../domain/bundle.ts';
import { NO_EFFECT } from '../../domain/effect.ts';
import type { Outcome } from '../../domain/proposal.ts';
import { grantedTo, listPage } from './catalogue.ts';
import { ProtocolFault } from './faults.ts';
import { eventOf, Results } from './results.ts';
import { outcomeMembers, pendingMembers, refusalMembers } from './tool-results.ts';

const results = new Results({ name: 'signalbox', title: 'Signalbox', version: '0' });
const modern = { era: 'modern' } as const;
const legacy = { era: 'legacy' } as const;

test('modern results say their type and maker, legacy ones do not', () => {
  const members = outcomeMembers({
    kind: 'done',
    actionId: 'act_1',
    result: { text: '{"a":1}', structured: { a: 1 }, cut: ['12 rows of 62'] },
  });
  const ours = {
    content: [
      { type: 'text', text: '{"a":1}' },
      { type: 'text', text: 'Cut: 12 rows of 62' },
    ],
    structuredContent: { a: 1 },
  };
  assert.deepEqual(JSON.parse(results.complete(1, legacy, members)), {
    jsonrpc: '2.0',
    id: 1,
    result: ours,
  });
  const full = JSON.parse(results.complete('x', modern, members));
  assert.equal(full.result.resultType, 'complete');
  assert.equal(full.result._meta['io.modelcontextprotocol/serverInfo'].name, 'signalbox');
  assert.deepEqual(full.result.content, ours.content);
  assert.deepEqual(JSON.parse(results.complete(1, legacy, '')).result, {});
  assert.equal(JSON.parse(results.complete(1, modern, '')).result.resultType, 'complete');
});

test('every outcome says whether something happened', () => {
  const refusal = {
    code: 'CAP',
    reasons: [{ check: 'cap', code: 'CAP', reason: 'too many rows', fix: 'ask for fewer' }],
  };
  const cases: [Exclude<Outcome, { kind: 'parked' }>, boolean, RegExp, string][] = [
    [
      { kind: 'refused', actionId: 'a', refusal },
      true,
      /too many rows \(ask for fewer\)/,
      'refused',
    ],
    [
      { kind: 'failed', actionId: 'a', code: 'X', message: 'm' },
      true,
      /Nothing was changed/,
      'failed',
    ],
    [{ kind: 'unknown', actionId: 'a', message: 'm' }, true, /may have happened/, 'unknown'],
    [{ kind: 'running', actionId: 'a' }, false, /running/, 'running'],
    [{ kind: 'drafted', actionId: 'a', reason: 'r' }, false, /not executed/, 'drafted'],
  ];
  for (const [outcome, isError, text, status] of cases) {
    const result = JSON.parse(`{${outcomeMembers(outcome)}}`);
    assert.equal(result.isError, isError, status);
    assert.match(result.content[0].text, text);
    assert.equal(result.structuredContent.signalbox.status, status);
  }
  const structured = JSON.parse(`{${refusalMembers(refusal, 'a')}}`).structuredContent.signalbox;
  assert.deepEqual(structured.reasons, refusal.reasons);
  const pending = { actionId: 'a', approvalId: 'ask_1', expiresAt: 0, previewed: true };
  const shown = JSON.parse(`{${pendingMembers(pending)}}`);
  assert.deepEqual([shown.isError, shown.structuredContent.signalbox.approval], [false, 'ask_1']);
});

test('an event holds its message on one line', () => {
  const text = JSON.stringify({ a: 'two\nlines\r\n\u2028' });
  assert.equal(eventOf(text).split('\n').length, 4);
});

const toolPage = (bundle: Bundle, agent: string, cursor: string | null): string =>
  listPage(bundle, 'tools', grantedTo(bundle, { agents: [agent], tools: null }), cursor);

const tool = (name: string, effect: Tool['effect']): Tool => ({
  name,
  description: name,
  connection: 'c',
  inputSchema: { type: 'object' },
  effect,
  reversibility: 'none',
  idempotent: effect === 'read',
  recoveryPath: false,
  cap: NO_EFFECT,
  maxResultBytes: 1,
  timeoutMs: 1,
  binding: {},
  derivation: [],
  digest: name,
});

test('an agent is shown its granted tools only, in a fixed order, in pages', () => {
  const names = Array.from({ length: 150 }, (_, index) => `t${String(index).padStart(3, '0')}`);
  const bundle = {
    ...EMPTY_BUNDLE,
    digest: 'd'.repeat(64),
    agents: { a: { name: 'a', owner: 'o' }, b: { name: 'b', owner: 'o' } },
    tools: Object.fromEntries(names.map((name) => [name, tool(name, 'destroy')])),
    grants: [
      ...names.toReversed().map((name) => ({ agent: 'a', tool: name, rung: 'read' as const })),
      { agent: 'a', tool: 'not_there', rung: 'read' as const },
      { agent: 'b', tool: 't007', rung: 'read' as const },
    ],
  };
  const first = JSON.parse(`{${toolPage(bundle, 'a', null)}}`);
  const second = JSON.parse(`{${toolPage(bundle, 'a', first.nextCursor)}}`);
  const shown = [...first.tools, ...second.tools].map(({ name }) => name);
  assert.deepEqual(shown, names);
  assert.equal(second.nextCursor, undefined);
  assert.deepEqual(first.tools[0].annotations.destructiveHint, true);
  assert.equal(JSON.parse(`{${toolPage(bundle, 'b', null)}}`).tools.length, 1);
  assert.equal(JSON.parse(`{${toolPage(bundle, 'toString', null)}}`).tools.length, 0);
  const moved = { ...bundle, digest: 'e'.repeat(64) };
  for (const [at, cursor] of [
    [bundle, 'nonsense'],
    [bundle, ''],
    [bundle, Buffer.from(`${'d'.repeat(16)} 50`).toString('base64url')],
    [bundle, Buffer.from(`${'d'.repeat(16)} 100000`).toString('base64url')],
    [moved, first.nextCursor],
  ] as const)
    assert.throws(() => toolPage(at, 'a', cursor), ProtocolFault);
});
