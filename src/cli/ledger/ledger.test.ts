import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { JsonObject } from '../../domain/json.ts';
import { originOf, signCheckpoint } from '../../ledger/checkpoint.ts';
import { signingKey } from '../../ledger/signed-note.ts';
import { verifyStore } from '../../store/sqlite/evidence.ts';
import { openTree } from '../../store/sqlite/seal-reads.ts';
import { type Office, openOffice } from '../../surfaces/admin/testing/office.ts';
import { openTerminal, type Terminal, type Typed } from '../testing/terminal.ts';

let office: Office;
let terminal: Terminal;
/** Files that somebody keeps elsewhere. */
const kept = { key: '', early: 'early.note', run: '' };

before(async () => {
  office = await openOffice();
  terminal = await openTerminal(office.doors);
  await terminal.run(['login', '--key-stdin', '--url', office.url], { stdin: office.key });
  kept.run = await office.begin('to be proven');
  await seal();
  kept.key = (await said('ledger', 'key')).trim();
  await file(kept.early, await said('ledger', 'checkpoint'));
  await office.begin('after the first checkpoint');
  await seal();
});
after(async () => {
  await terminal.close();
  await office.close();
});

async function seal(): Promise<void> {
  const at = office.clock.at;
  const { store } = office.broker;
  const sealed = await store.commit({ kind: 'ledger.seal', most: 1_000, sign: true, at });
  assert.ok(sealed.ok && sealed.left === 0);
}

const file = (name: string, text: string): Promise<void> =>
  writeFile(join(terminal.folder, name), text);

async function said(...argv: string[]): Promise<string> {
  const { code, out, err } = await terminal.run(argv);
  assert.equal(code, 0, err || out);
  return out;
}

/** With nothing to reach: another address, and no key of an operator. */
const OFFLINE: Typed = { env: { SIGNALBOX_HOME: '/nowhere', SIGNALBOX_URL: 'http://127.0.0.1:9' } };

async function verified(argv: readonly string[], typed: Typed = {}) {
  const ended = await terminal.run(['ledger', 'verify', ...argv, '--json'], typed);
  const problems = (ended.json.problems ?? []) as string[];
  return { ...ended, problems: problems.join('\n') };
}

async function prove(name: string, ...argv: string[]): Promise<JsonObject> {
  const text = await said('ledger', 'prove', ...argv);
  await file(name, text);
  return JSON.parse(text) as JsonObject;
}

describe('ledger key and checkpoint', () => {
  test('are what others check by', async () => {
    assert.match(kept.key, /^signalbox\/ledger\/[0-9a-f]{32}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/);
    const { json } = await terminal.run(['ledger', 'checkpoint', '--json']);
    assert.equal(json.key, kept.key);
    assert.equal(json.unsealed, 0);
    assert.equal(await said('ledger', 'checkpoint'), json.note);
    const parts = { treeOf: async (at: { directory: string }) => openTree(at.directory) };
    const there = ['--data-dir', office.directory];
    const local = await terminal.run(['ledger', 'checkpoint', ...there, '--json'], {
      ...OFFLINE,
      parts,
    });
    assert.deepEqual(local.json, json);
    const key = await terminal.run(['ledger', 'key', ...there], { ...OFFLINE, parts });
    assert.equal(key.out.trim(), kept.key);
  });
});

describe('a proof, checked with files alone', () => {
  test('of a run, an action’s place, an older tree', async () => {
    await file('key.txt', `${kept.key}\n`);
    const own = await prove('run.json', kept.run);
    assert.equal((own.records as JsonObject[])[0]?.type, 'run.begun');
    assert.equal(JSON.stringify(own).includes('to be proven'), false, 'no payload');
    for (const key of [kept.key, 'key.txt']) {
      const { code, json } = await verified(['--proof', 'run.json', '--key', key], OFFLINE);
      assert.equal(code, 0);
      assert.deepEqual([json.ok, json.kind], [true, 'inclusion']);
    }
    await prove('old.json', kept.run, '--checkpoint', kept.early);
    const old = ['--proof', 'old.json', '--checkpoint', kept.early, '--key', kept.key];
    assert.equal((await verified(old, OFFLINE)).code, 0);
    const mixed = ['--proof', 'run.json', '--checkpoint', kept.early, '--key', kept.key];
    assert.match((await verified(mixed, OFFLINE)).problems, /the proof is for \d+ records/);
  });

  test('of consistency', async () => {
    await file('late.note', await said('ledger', 'checkpoint'));
    await prove('grown.json', '--since', kept.early);
    const both = ['--since', kept.early, '--checkpoint', 'late.note'];
    const grown = ['--proof', 'grown.json', '--key', kept.key];
    assert.equal((await verified([...grown, ...both], OFFLINE)).code, 0);
    const turned = ['--since', 'late.note', '--checkpoint', kept.early];
    assert.match((await verified([...grown, ...turned], OFFLINE)).problems, /the end was cut off/);
    assert.equal((await terminal.run(['ledger', 'verify', ...grown], OFFLINE)).code, 2);
  });

  test('anything that was changed in it is found', async () => {
    const proof = await prove('whole.json', kept.run);
    const [record] = proof.records as JsonObject[];
    const path = [...((record?.path ?? []) as string[])];
    const changes: JsonObject[] = [
      { body: String(record?.body).replace('support', 'another') },
      { at: 1 },
      { leaf: Number(record?.leaf) + 1 },
      { chain: 'run_other' },
      { path: path.toReversed() },
      { path: path.slice(1) },
    ];
    for (const change of changes) {
      await file('bent.json', JSON.stringify({ ...proof, records: [{ ...record, ...change }] }));
      const { code, problems } = await verified(
        ['--proof', 'bent.json', '--key', kept.key],
        OFFLINE,
      );
      assert.equal(code, 1, JSON.stringify(change));
      assert.match(problems, /is not (?:leaf|the one)/);
    }
    const forger = signingKey(kept.key.split('+')[0] ?? '', new Uint8Array(32).fill(66));
    await file('key2.txt', forger.verifier);
    const by = await verified(['--proof', 'whole.json', '--key', 'key2.txt'], OFFLINE);
    assert.match(by.problems, /expected a signature of `signalbox\/ledger/);
    await file('no.json', '{"kind":"inclusion"}');
    const none = await terminal.run(['ledger', 'verify', '--proof', 'no.json', '--key', kept.key]);
    assert.match(none.err, /^NOTE_MALFORMED: expected a proof/);
    const keyless = await terminal.run(['ledger', 'verify', '--proof', 'whole.json']);
    assert.match(keyless.err, /^USAGE: expected `--key KEY`/);
  });
});

describe('a ledger held against what was kept', () => {
  test('continues it, asked from the running one and from its directory', async () => {
    await file(
      'all.log',
      `up\n${JSON.stringify({ at: 1, note: await said('ledger', 'checkpoint') })}\n`,
    );
    for (const since of [kept.early, 'all.log']) {
      const held = await verified(['--since', since, '--key', kept.key]);
      assert.equal(held.code, 0, held.problems);
      assert.equal(held.json.checkpointsKept, 1);
    }
    const parts = {
      treeOf: async (at: { directory: string }) => openTree(at.directory),
      verify: (at: { directory: string }) =>
        verifyStore({ directory: at.directory, masterKey: null }),
    };
    const there = ['--data-dir', office.directory, '--since', kept.early, '--key', kept.key];
    assert.equal((await verified(there, { ...OFFLINE, parts })).code, 0);
    const { out } = await terminal.run(['ledger', 'verify', '--since', kept.early]);
    assert.match(out, /`--key` holds it against yours/);
  });

  test('what is ahead of it, of another tree or by another key is found', async () => {
    const [name = ''] = kept.key.split('+');
    const forger = signingKey(name, new Uint8Array(32).fill(66));
    const root = Buffer.alloc(32, 1);
    await file('forged.note', signCheckpoint({ origin: name, size: 2, root }, forger));
    const forged = await verified(['--since', 'forged.note', '--key', kept.key]);
    assert.equal(forged.code, 1);
    assert.match(forged.problems, /expected a signature of/);
    const trusted = await verified(['--since', 'forged.note', '--key', forger.verifier]);
    assert.match(trusted.problems, /expected a signature of/);
    const other = signingKey(originOf('ff'), new Uint8Array(32).fill(67));
    await file('other.note', signCheckpoint({ origin: other.name, size: 2, root }, other));
    assert.equal((await verified(['--since', 'other.note', '--key', kept.key])).code, 1);
    const usage = await terminal.run(['ledger', 'verify', '--since', 'not-there']);
    assert.match(usage.err, /^USAGE: `not-there` cannot be read/);
    await file('empty.log', 'nothing\n');
    const empty = await terminal.run(['ledger', 'verify', '--since', 'empty.log']);
    assert.match(empty.err, /^NOTE_MALFORMED: expected a file with a checkpoint/);
  });
});
