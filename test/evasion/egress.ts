/** Where HTTP connections lead: every spelling of an inside address, names that change their answer, sockets kept open. */
import { loadConfig } from '../../src/config/load.ts';
import { createHttpConnector } from '../../src/connectors/http/connector.ts';
import {
  callOf,
  connectionTo,
  httpTool,
  json,
  startTarget,
  type TestTarget,
} from '../../src/connectors/http/testing/target.ts';
import { NO_SINK } from '../../src/domain/connector.ts';
import { realDoors } from '../../src/doors.ts';
import type { Case, Control, Group, Stand } from './group.ts';

const GET = httpTool({ method: 'GET', path: '/x' });

/** Spellings of addresses on this machine or in its network, as a URL's host. */
const HOSTS = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0x7f.1',
  '017700000001',
  '0177.0.0.1',
  '0177.1',
  '0',
  '0.0.0.0',
  '127.255.255.254',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '100.64.0.1',
  '169.254.169.254',
  '0xa9fea9fe',
  '2852039166',
  '169.254.43518',
  '0251.0376.0251.0376',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
  '[::ffff:a9fe:a9fe]',
  '[64:ff9b::a9fe:a9fe]',
  '１２７.０.０.１',
  '①②⑦.0.0.1',
  '127。0。0。1',
  'localhost',
  'localhost.',
  'LOCALHOST',
  'acme.example@127.0.0.1',
  '127.0.0.1#.acme.example',
  '127.0.0.1?.acme.example',
  'acme.example\\@127.0.0.1',
  '%31%32%37.0.0.1',
  '127.0.0.1.',
  '2606:4700::5efe:7f00:1',
  '[2606:4700::5efe:7f00:1]',
  '[2606:4700::200:5efe:127.0.0.1]',
  '[::ffff:0:127.0.0.1]',
  '[::ffff:0:7f00:1]',
  '[fe80::5efe:127.0.0.1]',
  '[::7f00:1]',
  '[2002:7f00:1:1::1]',
  '[64:ff9b:1:7f00:0:100::]',
  '[::1%25lo]',
  '0x7f.0x0.0x0.0x1',
  '127.0.0.1\u3002',
  '127\uff0e0\uff0e0\uff0e1',
  '127.0.0.1%00.acme.example',
  '127.0.0.1%20',
  '127.0.0.1;acme.example',
  'acme.example:80@127.0.0.1',
  '0000127.0.0.1',
  '127.000.000.001',
  '0x7F000001',
  '[0:0:0:0:0:0:0:1]',
  '[::0001]',
  '169.254.170.2',
  '198.18.0.1',
  '255.255.255.255',
  'sub.localhost',
  'ip6-localhost',
] as const;

/** What a name answers, one after the other. */
const NAMES: readonly [name: string, answers: readonly (readonly string[])[]][] = [
  ['a name that is inside', [['127.0.0.1']]],
  ['a name that is both', [['93.184.216.34', '127.0.0.1']]],
  ['a name whose mapped address is inside', [['::ffff:127.0.0.1']]],
  ['a name whose second answer is inside', [['198.51.100.1'], ['127.0.0.1']]],
  ['a name that answers with a zone', [['fe80::1%lo']]],
  ['a name that answers no address', [['localhost']]],
  ['a name of IPv4 translated', [['::ffff:0:127.0.0.1']]],
  ['a name of ISATAP', [['2606:4700::5efe:127.0.0.1']]],
  ['a name of 6to4', [['2002:7f00:1::1']]],
  ['a name with brackets', [['[::1]']]],
  ['a name in another base', [['0x7f000001']]],
  ['a name that answers nothing, then inside', [[], ['127.0.0.1']]],
  [
    'a name that is inside behind many',
    [[...Array.from({ length: 60 }, (_, i) => `198.51.100.${i + 1}`), '127.0.0.1']],
  ],
  ['a name of NAT64', [['64:ff9b:1:7f00:0:100:808:808']]],
];

export const egress: Group = {
  name: 'egress',
  async open(): Promise<Stand> {
    const target = await startTarget((response) => json(response, { private: 'inside' }));
    return {
      cases: [
        ...HOSTS.map((host) => literal(host, target)),
        ...NAMES.map(([name, answers]) => named(name, answers, target)),
        ...reused(target),
      ],
      controls: controls(target),
      close: () => target.close(),
    };
  },
};

async function reached(target: TestTarget, work: () => Promise<unknown>): Promise<string[]> {
  const before = target.seen.length;
  await work().catch(() => {});
  return target.seen.slice(before).map(({ method, url }) => `the target got ${method} ${url}`);
}

/** As an operator would write it who does not say `allowPrivate`; `https` and `http`. */
function literal(host: string, target: TestTarget): Case {
  return {
    name: `a connection to ${host}`,
    attempt: () =>
      reached(target, async () => {
        const connector = createHttpConnector(realDoors());
        try {
          for (const scheme of ['http', 'https']) {
            const url = `${scheme}://${host}:${target.port}`;
            const plain = connectionTo(url, { allowPrivate: false });
            await call(connector, plain).catch(() => {});
            const file = `version: 1\norganisation: { name: acme }\nconnections:\n  api: { kind: http, url: ${JSON.stringify(url)} }\n`;
            const loaded = loadConfig(file, 'signalbox.yaml').connections.api;
            if (loaded !== undefined) await call(connector, loaded);
          }
        } finally {
          await connector.close();
        }
      }),
  };
}

function named(name: string, answers: readonly (readonly string[])[], target: TestTarget): Case {
  return {
    name,
    attempt: () =>
      reached(target, async () => {
        let asked = 0;
        const resolve = async () => answers[Math.min(asked++, answers.length - 1)] ?? [];
        const connector = createHttpConnector(realDoors(), { resolve });
        const connection = connectionTo(`http://name.example:${target.port}`, {
          allowPrivate: false,
        });
        const short = httpTool({ method: 'GET', path: '/x' }, { timeoutMs: 200 });
        for (let i = 0; i < 2; i++)
          await connector
            .begin(callOf(short, connection), NO_SINK)
            .then((flight) => flight.finish())
            .catch(() => {});
        await connector.close();
      }),
  };
}

/** A socket that one connection may use is none for another. */
function reused(target: TestTarget): Case[] {
  return ['same host', 'another name'].map((name) => ({
    name: `a socket that is open already: ${name}`,
    async attempt() {
      const resolve = async () => ['127.0.0.1'];
      const connector = createHttpConnector(realDoors(), { resolve });
      await call(connector, connectionTo(target.url));
      const url = name === 'same host' ? target.url : `http://other.example:${target.port}`;
      const how = await reached(target, () =>
        call(connector, connectionTo(url, { allowPrivate: false })),
      );
      await connector.close();
      return how;
    },
  }));
}

function controls(target: TestTarget): Control[] {
  const open = (name: string, url: string, answers?: readonly string[]): Control => ({
    name,
    async attempt() {
      const before = target.seen.length;
      const resolve = answers === undefined ? {} : { resolve: async () => answers };
      const connector = createHttpConnector(realDoors(), resolve);
      await call(connector, connectionTo(url));
      await call(connector, connectionTo(url));
      await connector.close();
      return target.seen.length === before + 2 ? null : 'it did not arrive';
    },
  });
  return [
    open('a private address that the connection allows', target.url),
    open('a private name that the connection allows', `http://name.example:${target.port}`, [
      '127.0.0.1',
    ]),
    open('a name of two private addresses', `http://name.example:${target.port}`, [
      '127.0.0.1',
      '10.0.0.1',
    ]),
    open('a mapped address', `http://name.example:${target.port}`, ['::ffff:127.0.0.1']),
  ];
}

async function call(
  connector: ReturnType<typeof createHttpConnector>,
  connection: Parameters<typeof callOf>[1],
): Promise<void> {
  const flight = await connector.begin(callOf(GET, connection), NO_SINK);
  await flight.finish();
}
