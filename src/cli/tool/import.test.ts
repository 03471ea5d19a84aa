import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { stringify } from 'yaml';
import { loadConfig } from '../../config/load.ts';
import { json, startTarget } from '../../connectors/http/testing/target.ts';
import { realDoors } from '../../doors.ts';
import { BILLING_31, INVENTORY_30, PLATFORM_30 } from '../../tools/openapi/testing/documents.ts';
import { openTerminal, type Terminal } from '../testing/terminal.ts';

let terminal: Terminal;
const place = (name: string) => join(terminal.folder, name);
before(async () => {
  terminal = await openTerminal(realDoors());
  await writeFile(place('inventory.yaml'), stringify(INVENTORY_30));
  await writeFile(place('billing.json'), JSON.stringify(BILLING_31));
  await writeFile(place('platform.json'), JSON.stringify(PLATFORM_30));
});
after(() => terminal.close());

const run = (...argv: string[]) => terminal.run(['tool', 'import', 'openapi', ...argv]);

test('without a choice it lists what there is, with the class it would propose', async () => {
  const { code, out, json: listed } = await run(place('platform.json'), '--json');
  assert.equal(code, 0);
  assert.ok(out.length > 0);
  const all = listed.operations as { id: string; effect: string; recoveryPath: boolean }[];
  const found = all.find(({ id }) => id === 'volumes.delete');
  assert.deepEqual([found?.effect, found?.recoveryPath], ['destroy', true]);
});

test('what it writes is a configuration once it has a head, and nothing of it is in force', async () => {
  for (const [file, more] of [
    ['inventory.yaml', []],
    ['billing.json', []],
    ['platform.json', ['--server', 'https://api.platform.example']],
  ] as const) {
    const { code, out, err } = await run(place(file), '--all', ...more);
    assert.equal(code, 0, err);
    const config = loadConfig(`version: 1\norganisation: { name: acme }\n${out}`, file);
    assert.ok(Object.keys(config.tools).length > 0);
    assert.deepEqual(config.grants, []);
  }
});

test('chosen operations go into a file that was not there', async () => {
  const out = place('tools.yaml');
  const argv = [place('billing.json'), '--operations', 'updateInvoice', '--connection', 'billing'];
  assert.equal((await run(...argv, '--out', out)).code, 0);
  const text = await readFile(out, 'utf8');
  assert.match(text, /^ {2}billing:\n {4}kind: http\n {4}url: https:\/\/billing.example$/m);
  assert.match(text, /^ {2}update_invoice:$/m);
  assert.match((await run(...argv, '--out', out)).err, /FILE_EXISTS/);
  assert.match(
    (await run(place('billing.json'), '--operations', 'none')).err,
    /no operation `none`/,
  );
});

test('a document is fetched with every address checked', async () => {
  const target = await startTarget((response, { url }) => {
    if (url === '/away') response.writeHead(302, { location: '/openapi.json' }).end();
    else json(response, BILLING_31);
  });
  const plain = await run(`${target.url}/openapi.json`, '--all');
  assert.match(plain.err, /EGRESS_REFUSED/);
  assert.equal(target.seen.length, 0);
  const allowed = await run(`${target.url}/openapi.json`, '--all', '--allow-private');
  assert.equal(allowed.code, 0, allowed.err);
  assert.match((await run(`${target.url}/away`, '--all', '--allow-private')).err, /a redirect/);
  for (const url of [
    'https://169.254.169.254/openapi.json',
    'https://[fd00:ec2::254]/x',
    'https://0x7f.1/x',
  ])
    assert.match((await run(url, '--all')).err, /EGRESS_REFUSED/, url);
  await target.close();
});

test('what is no document is refused, whatever it is', async () => {
  const files: readonly [text: string, says: RegExp][] = [
    ['{"openapi":', /CONFIG_SYNTAX/],
    ['a: [', /CONFIG_SYNTAX/],
    ['swagger: "2.0"', /OpenAPI 3/],
    [`{"a":${'['.repeat(100_000)}`, /CONFIG_SYNTAX/],
    ['a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b, *b, *b, *b]\n'.repeat(1), /OpenAPI 3/],
    [
      `openapi: 3.0.0\npaths: {}\nservers: [{ url: "https://a.example" }]\ninfo: { title: "x\\nconnections: {}" }\n`,
      /^$/,
    ],
  ];
  for (const [text, says] of files) {
    await writeFile(place('file'), text);
    const { err, out } = await run(place('file'), '--all');
    assert.match(err, says, text.slice(0, 40));
    if (err === '')
      assert.equal(out.match(/^connections:/gm)?.length, 1, 'a title breaks out of no comment');
  }
  assert.match((await run(place('missing'))).err, /CONFIG_MISSING/);
});
