import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { MUTATIONS } from './mutations.ts';

/** A mutation whose text moved switches nothing off, and is noticed only when somebody runs it. */
test('every mutation finds its control, once', async () => {
  const root = new URL('../../', import.meta.url);
  for (const { control, file, find, test: by } of MUTATIONS) {
    const text = await readFile(new URL(file, root), 'utf8');
    assert.equal(text.split(find).length, 2, `${control}: its text in ${file}`);
    await assert.doesNotReject(readFile(new URL(by, root)), `${control}: ${by}`);
  }
});
