import type { JsonObject } from '../../../src/domain/json.ts';

export interface HttpCase {
  readonly name: string;
  readonly tool: string;
  readonly args: JsonObject;
}

export interface HttpControl extends HttpCase {
  /** Path and query as they must arrive. */
  readonly url?: string;
  /** What the agent must get to see, as JSON text within JSON. */
  readonly result?: string;
}

const IDS: readonly [name: string, id: string][] = [
  ['a step up', '../admin'],
  ['two steps up', '../../admin'],
  ['a segment more', 'a/delete'],
  ['a dot segment', '..'],
  ['one dot', '.'],
  ['an encoded dot segment', '%2e%2e'],
  ['a half encoded one', '.%2e'],
  ['an encoded slash', '..%2fadmin'],
  ['a doubly encoded slash', '..%252fadmin'],
  ['a triply encoded slash', 'a%25252fadmin'],
  ['a backslash', '..\\admin'],
  ['an encoded backslash', '..%5cadmin'],
  ['an encoded NUL', 'a%00'],
  ['a NUL', 'a\u0000b'],
  ['a line break with a header', 'a\r\nx-admin: 1'],
  ['a line break with a request', 'a HTTP/1.1\r\nhost: x\r\n\r\nDELETE /base/items/a'],
  ['an encoded line break', 'a%0d%0ax-admin:1'],
  ['a next line sign', 'a\u0085x-admin: 1'],
  ['a line separator', 'a\u2028x: 1'],
  ['letters that fold into a break', 'a\u560d\u560ax: 1'],
  ['a query', 'a?fixed=2'],
  ['a second query pair', 'a&fixed=2'],
  ['a fragment', 'a#/../admin'],
  ['a host', '//evil.example/x'],
  ['a whole URL', 'http://evil.example/x'],
  ['user info', '@evil.example/x'],
  ['an authority', 'x@127.0.0.1:1'],
  ['a path parameter', 'a;role=admin'],
  ['full width dots and slash', '．．／admin'],
  ['a division slash', '..∕admin'],
  ['an overlong slash', '..%c0%afadmin'],
  ['half a character', '\ud800'],
  ['nothing', ''],
  ['spaces only', ' '],
  ['a tab', 'a\tb'],
  ['a template', '{view}'],
  ['a long one', 'x'.repeat(5_000)],
];

const VIEWS: readonly [name: string, view: string][] = [
  ['a pair', 'a&fixed=2'],
  ['an encoded pair', 'a%26fixed%3D2'],
  ['a semicolon pair', 'a;fixed=2'],
  ['a fragment', 'a#x'],
  ['a line break', 'a\r\nx: 1'],
  ['a plus and a space', 'a+b c'],
  ['an array name', 'a[]=1'],
  ['half a character', '\udc00'],
];

const TEXTS: readonly [name: string, text: string][] = [
  ['a member', '","admin":true,"x":"'],
  ['an end of the object', '"}},"tags":["admin"],"y":{"x":{"y":"'],
  ['an escaped quote', '\\","admin":true,"x":"'],
  ['a line separator', '\u2028","admin":1'],
  ['a template', '{id}{tags}'],
  ['a prototype', '__proto__'],
];

export const HTTP_CASES: readonly HttpCase[] = [
  ...IDS.flatMap(([name, id]): HttpCase[] => [{ name, tool: 'get_item', args: { id } }]),
  ...IDS.slice(0, 14).map(
    ([name, id]): HttpCase => ({
      name,
      tool: 'set_note',
      args: { id, text: 'x' },
    }),
  ),
  ...IDS.slice(0, 12).map(([name, id]): HttpCase => ({ name, tool: 'drop_draft', args: { id } })),
  ...VIEWS.map(([name, view]): HttpCase => ({ name, tool: 'get_item', args: { id: 'a', view } })),
  ...TEXTS.map(([name, text]): HttpCase => ({ name, tool: 'set_note', args: { id: 'a', text } })),
  ...['../x', 'a/../b', 'a//b', '/etc/passwd', 'a/..', 'a\\..\\b', 'a/%2e%2e/b', 'a/./b'].map(
    (path): HttpCase => ({ name: `the path ${path}`, tool: 'get_file', args: { path } }),
  ),
  ...['r301', 'r302', 'r303', 'r307', 'r308', 'refresh'].map(
    (id): HttpCase => ({
      name: `an answer that leads elsewhere (${id})`,
      tool: 'get_raw',
      args: { id },
    }),
  ),
  ...['r301', 'r307', 'r308', 'location'].map(
    (id): HttpCase => ({
      name: `an answer that leads elsewhere (${id})`,
      tool: 'set_note',
      args: { id, text: 'x' },
    }),
  ),
  ...['echo', 'error'].map(
    (id): HttpCase => ({
      name: `an answer that returns the credential (${id})`,
      tool: 'get_raw',
      args: { id },
    }),
  ),
  { name: 'another argument', tool: 'get_item', args: { id: 'a', path: '/admin' } },
  { name: 'a header as an argument', tool: 'get_item', args: { id: 'a', headers: { host: 'x' } } },
  { name: 'a list for a text', tool: 'get_item', args: { id: ['a', '..'] } },
  { name: 'an object for a text', tool: 'get_item', args: { id: { toString: 'x' } } },
  { name: 'a hidden member', tool: 'get_item', args: { id: 'a', view: '/hidden' } },
  { name: 'a hidden member by selection', tool: 'get_list', args: { id: 'hidden' } },
  {
    name: 'tags that are no texts',
    tool: 'set_note',
    args: { id: 'a', text: 'x', tags: [{ a: 1 }] },
  },
  {
    name: 'a prototype as a member',
    tool: 'set_note',
    args: JSON.parse('{"id":"a","text":"x","__proto__":{"tags":["admin"]}}') as JsonObject,
  },
];

export const HTTP_CONTROLS: readonly HttpControl[] = [
  ...(
    [
      ['a plain id', 'item-1', 'item-1'],
      ['a number as text', '42', '42'],
      ['dots inside', 'a.b..c', 'a.b..c'],
      ['three dots', '...', '...'],
      ['a space', 'a b', 'a%20b'],
      ['a percent sign', '100%', '100%25'],
      ['a question mark', 'why?', 'why%3F'],
      ['an address', 'dana@acme.example', 'dana%40acme.example'],
      ['other scripts', 'größe-日本', 'gr%C3%B6%C3%9Fe-%E6%97%A5%E6%9C%AC'],
      ['an emoji', '😀', '%F0%9F%98%80'],
      ['quotes', 'it\'s "x"', 'it%27s%20%22x%22'],
      ['a colon', 'urn:x:1', 'urn%3Ax%3A1'],
      ['a tilde', '~a', '~a'],
      ['a comma', 'a,b', 'a%2Cb'],
      ['words that look like SQL', 'drop table', 'drop%20table'],
    ] as const
  ).map(
    ([name, id, sent]): HttpControl => ({
      name,
      tool: 'get_item',
      args: { id },
      url: `/base/items/${sent}?fixed=1`,
      result: '\\"open\\":true',
    }),
  ),
  {
    name: 'a view',
    tool: 'get_item',
    args: { id: 'a', view: 'full & more=1' },
    url: '/base/items/a?view=full%20%26%20more%3D1&fixed=1',
  },
  { name: 'the whole answer', tool: 'get_raw', args: { id: 'a' }, result: 'internal-note' },
  { name: 'a selection', tool: 'get_list', args: { id: 'a' }, result: '[{\\"n\\":3}]' },
  {
    name: 'a file in a folder',
    tool: 'get_file',
    args: { path: 'docs/guide.md' },
    url: '/base/files/docs%2Fguide.md',
  },
  {
    name: 'a file',
    tool: 'get_file',
    args: { path: 'read me.txt' },
    url: '/base/files/read%20me.txt',
  },
  ...['hello', '"quoted" and {braces}', 'two\nlines', '<script>', '\\', '日本', ''].map(
    (text): HttpControl => ({
      name: `a note ${JSON.stringify(text)}`,
      tool: 'set_note',
      args: { id: 'a', text },
    }),
  ),
  { name: 'a note with tags', tool: 'set_note', args: { id: 'b', text: 'x', tags: ['a', 'b,c'] } },
  { name: 'a draft', tool: 'drop_draft', args: { id: 'draft-1' }, url: '/base/drafts/draft-1' },
  { name: 'another draft', tool: 'drop_draft', args: { id: 'x' } },
];
