import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArgumentProof, LineageFacts, ToolLineage } from '../domain/lineage.ts';
import { flowConstants, flowFacts } from './flow.ts';
import { toolOf } from './testing/stage.ts';
import { EntityValue } from './values.ts';

const DB = { name: 'db', kind: 'postgres', environment: 'production', settings: {} };
const API = { name: 'api', kind: 'http', environment: 'production', settings: {} };
const INSIDE = { ...API, settings: { inside: true } };

function proof(outside: boolean, proof: ArgumentProof['proof'] = 'principal'): ArgumentProof {
  return { argument: 'to', kind: 'destination', value: 'x', proof, span: null, outside };
}

function lineage(proofs: readonly ArgumentProof[], seen: LineageFacts['seen'] = []): LineageFacts {
  return { proofs, flows: [], seen };
}

const SENDS: ToolLineage = {
  authority: [{ argument: 'to', kind: 'destination' }],
  outward: true,
  source: [],
};

test('no read leaves or redirects; a write leaves where its connection may', () => {
  const read = toolOf('look', { effect: 'read' });
  assert.deepEqual(flowConstants(read, API), { egress: false, changesDestination: false });
  const write = toolOf('set');
  assert.equal(flowConstants(write, DB).egress, false);
  assert.equal(flowConstants(write, INSIDE).egress, false);
  assert.equal(flowConstants(write, API).egress, true);
  assert.equal(flowConstants(write, null).egress, true);
  const stdio = { ...API, kind: 'mcp', settings: { transport: 'stdio' } };
  assert.equal(flowConstants(write, stdio).egress, true, 'nobody knows what a program sends');
});

test('without lineage arguments that are named like destinations count as such', () => {
  const named = (name: string) =>
    flowConstants(toolOf('set', { inputSchema: { properties: { [name]: {} } } }), DB);
  for (const name of ['to', 'iban', 'forwardTo', 'webhook_url', 'emailAddress', 'cc'])
    assert.equal(named(name).changesDestination, true, name);
  for (const name of ['plan', 'total', 'customer_id', 'stop', 'toggle'])
    assert.equal(named(name).changesDestination, false, name);
});

test('with lineage the recipients decide, and what the run has read', () => {
  const constants = flowConstants(toolOf('send', { lineage: SENDS }), API);
  assert.deepEqual(constants, { changesDestination: false }, 'it sends once, it redirects nothing');
  const of = (facts: LineageFacts) => flowFacts(facts, constants);
  assert.equal(of(lineage([proof(false)])).egress, false);
  assert.equal(of(lineage([proof(false), proof(true)])).egress, true);
  assert.equal(of(lineage([])).egress, true);
  const read = of(lineage([proof(true, 'unknown')], ['pii', 'untrusted']));
  assert.deepEqual([read.private, read.untrusted], [true, true]);
  assert.deepEqual(of(lineage([proof(true)])).private, false);
  const proofs = (...kinds: ArgumentProof['proof'][]) =>
    of(lineage(kinds.map((kind) => proof(true, kind)))).proof;
  assert.deepEqual(proofs('leaf', 'operator'), new EntityValue('Proof', 'proven'));
  assert.deepEqual(proofs('leaf', 'unknown'), new EntityValue('Proof', 'unknown'));
  assert.deepEqual(proofs('untrusted', 'unknown'), new EntityValue('Proof', 'untrusted'));
});

test('a tool that keeps a destination redirects', () => {
  const keeps = { ...SENDS, outward: false };
  const constants = flowConstants(toolOf('set', { lineage: keeps }), DB);
  assert.equal(flowFacts(lineage([proof(false)]), constants).changesDestination, true);
});

test('without lineage the worst is taken of what was read', () => {
  const { private: secret, untrusted, proof: how } = flowFacts(null, {});
  assert.deepEqual([secret, untrusted, how], [true, true, new EntityValue('Proof', 'unknown')]);
});
