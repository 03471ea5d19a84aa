import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  openCheckpoint,
  originOf,
  readCheckpoint,
  signCheckpoint,
  signDocument,
  verifyDocument,
} from './checkpoint.ts';
import { openNote, readVerifier, signingKey, signNote } from './signed-note.ts';
import { leafHash } from './tree.ts';

/** The example of the Go package golang.org/x/mod/sumdb/note, whose format C2SP took over. */
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const PETERS_SEED = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(
  1,
);
const PETERS_NOTE = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;
const PETERS_TEXT = PETERS_NOTE.slice(0, PETERS_NOTE.indexOf('\n\n') + 1);

const origin = originOf('0123456789abcdef');
const key = signingKey(origin, new Uint8Array(32).fill(5));
const other = signingKey(origin, new Uint8Array(32).fill(6));
const verifier = readVerifier(key.verifier);
const checkpoint = { origin, size: 12, root: leafHash('root') };

describe('signed notes', () => {
  test('the example of their inventors', () => {
    assert.equal(openNote(PETERS_NOTE, readVerifier(PETER)), PETERS_TEXT);
    const peter = signingKey('PeterNeumann', PETERS_SEED);
    assert.equal(peter.verifier, PETER);
    assert.equal(signNote(PETERS_TEXT, peter), PETERS_NOTE);
  });

  test('signatures of others stand beside ours', () => {
    const witness = signingKey('witness.example/w1', new Uint8Array(32).fill(9));
    const note = signCheckpoint(checkpoint, key);
    const line = signNote(openNote(note, verifier), witness).split('\n').at(-2);
    assert.deepEqual(openCheckpoint(`${note}${line}\n`, verifier), checkpoint);
    assert.deepEqual(openCheckpoint(`${note}${line}\n`, verifier), checkpoint);
  });

  test('a text, a signature or a key that was changed anywhere is refused', () => {
    const note = signCheckpoint(checkpoint, key);
    for (let at = 0; at < note.length; at++) {
      const changed =
        note.slice(0, at) + String.fromCharCode(note.charCodeAt(at) ^ 1) + note.slice(at + 1);
      assert.throws(
        () => openCheckpoint(changed, verifier),
        { name: 'SignalboxError' },
        `at ${at}`,
      );
    }
    for (let at = 0; at < key.verifier.length; at++) {
      const code = key.verifier.charCodeAt(at) ^ 1;
      const changed =
        key.verifier.slice(0, at) + String.fromCharCode(code) + key.verifier.slice(at + 1);
      assert.throws(() => openCheckpoint(note, readVerifier(changed)), { name: 'SignalboxError' });
    }
    assert.throws(() => openCheckpoint(signCheckpoint(checkpoint, other), verifier), {
      code: 'SIGNATURE_INVALID',
    });
  });

  test('what is no note, key or checkpoint is called so', () => {
    const malformed = { code: 'NOTE_MALFORMED' };
    for (const text of [
      '',
      '\n',
      'x\n',
      'x\n\n',
      'x\n\n\n',
      'x\n\n— a b\n',
      'x\n\n- a AAAAAAA=\n',
      'x'.repeat(70_000),
    ])
      assert.throws(() => openNote(text, verifier), malformed, JSON.stringify(text.slice(0, 20)));
    for (const text of [
      '',
      'a+b',
      'a+00000000+AQ==',
      `${origin}+00000000+${key.verifier.split('+')[2]}`,
    ])
      assert.throws(() => readVerifier(text), malformed);
    const root = checkpoint.root.toString('base64');
    for (const text of [
      `${origin}\n12\n`,
      `${origin}\n012\n${root}\n`,
      `${origin}\n-1\n${root}\n`,
      `${origin}\n99999999999999999\n${root}\n`,
      `${origin}\n12\nAAAA\n`,
      `${origin}\n12\n${root}\nmore\n`,
      `another/log\n12\n${root}\n`,
    ])
      assert.throws(() => openCheckpoint(signNote(text, key), verifier), malformed, text);
    assert.throws(() => signNote('no line end', key), RangeError);
    assert.throws(() => signNote('an empty\n\nline\n', key), RangeError);
    assert.throws(() => signingKey('a b', new Uint8Array(32)), RangeError);
    assert.throws(() => signingKey('a', new Uint8Array(31)), RangeError);
  });
});

describe('checkpoints and documents', () => {
  test('a checkpoint is read as it was signed', () => {
    const note = signCheckpoint(checkpoint, key);
    assert.match(
      note,
      /^signalbox\/ledger\/[0-9a-f]+\n12\n[A-Za-z0-9+/=]{44}\n\n— signalbox\/ledger/,
    );
    assert.deepEqual(openCheckpoint(note, verifier), checkpoint);
    assert.deepEqual(readCheckpoint(note), checkpoint);
  });

  test('a checkpoint of another ledger, signed by this key, is refused', () => {
    const note = signCheckpoint({ ...checkpoint, origin: originOf('ffff') }, key);
    assert.throws(() => openCheckpoint(note, verifier), { code: 'SIGNATURE_INVALID' });
  });

  test('a document is good for its bytes, its context and its key only', () => {
    const bytes = Buffer.from('{"ok":true}');
    const note = signDocument(key, 'drill-report', bytes);
    verifyDocument(verifier, 'drill-report', bytes, note);
    const refused = { code: 'SIGNATURE_INVALID' };
    const wrong = [
      () => verifyDocument(verifier, 'drill-report', Buffer.from('{"ok":false}'), note),
      () => verifyDocument(verifier, 'release', bytes, note),
      () => verifyDocument(readVerifier(other.verifier), 'drill-report', bytes, note),
      () => verifyDocument(verifier, 'drill-report', bytes, signCheckpoint(checkpoint, key)),
    ];
    for (const one of wrong) assert.throws(one, refused);
    assert.throws(() => openCheckpoint(note, verifier), { code: 'NOTE_MALFORMED' });
    assert.throws(() => signDocument(key, 'two\nlines', bytes), RangeError);
  });
});
