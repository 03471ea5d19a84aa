import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Connection, Tool } from '../../domain/bundle.ts';
import type { Connector } from '../../domain/connector.ts';
import type { Credential } from '../../domain/credential.ts';
import type { JsonObject } from '../../domain/json.ts';
import { realDoors } from '../../doors.ts';
import { createMcpConnector } from './connector.ts';
import {
  callOf,
  childConnection,
  Ears,
  failure,
  run,
  text,
  toolOf,
  until,
} from './testing/caller.ts';

const CHILD = fileURLToPath(new URL('testing/hostile-child.ts', import.meta.url));

describe('a server as a child that does not keep to the rules', () => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-child-'));
  const notes = join(directory, 'notes');
  let tool: Tool;
  let write: Tool;
  let connector: Connector;
  const connectionOf = (way: string, more: JsonObject = {}): Connection =>
    childConnection([process.execPath, CHILD, way, notes], more);
  const usual = connectionOf('well', { protocol: 'legacy' });
  const noted = () => readFileSync(notes, 'utf8').split('\n').filter(Boolean);
  const pids = (who: string) =>
    noted().flatMap((line) => (line.startsWith(`${who} `) ? [Number(line.split(' ')[1])] : []));
  const how = (of: Tool, what: string, more: Parameters<typeof callOf>[3] = {}) =>
    callOf(of, usual, { how: what }, more);

  before(async () => {
    writeFileSync(notes, '');
    tool = await toolOf(usual, 'echo');
    write = await toolOf(usual, 'echo', { effect: 'write' });
  });
  beforeEach(() => {
    writeFileSync(notes, '');
    connector = createMcpConnector(realDoors());
  });
  afterEach(() => connector.close());
  after(() => rmSync(directory, { recursive: true, force: true }));

  it('is shared by runs, and started once', async () => {
    const said = await Promise.all(
      ['run_1', 'run_2', 'run_3'].map((runId) =>
        text(connector, callOf(tool, usual, {}, { runId })),
      ),
    );
    assert.equal(new Set(said).size, 1);
    assert.equal(pids('child').length, 1);
  });

  it('is started for each run whose caller can be asked, and ended with it', async () => {
    const ears = new Ears({ capabilities: { elicitation: {} } });
    for (const runId of ['run_1', 'run_2'])
      await text(connector, callOf(tool, usual, {}, { runId }), ears);
    const [first = 0, second = 0] = pids('child');
    await connector.release('run_1');
    await until(() => !isAlive(first));
    assert.ok(isAlive(second));
  });

  it('leaves every call in the air open when it dies, and is not sent one twice', async () => {
    const calls = [
      failure(run(connector, how(write, 'silent'))),
      failure(run(connector, how(tool, 'silent'))),
      failure(run(connector, how(write, 'die'))),
    ];
    const failures = await Promise.all(calls);
    assert.deepEqual(
      failures.map(({ code, effect }) => [code, effect]),
      [
        ['CONNECTOR_UNREACHABLE', 'unknown'],
        ['CONNECTOR_UNREACHABLE', 'none'],
        ['CONNECTOR_UNREACHABLE', 'unknown'],
      ],
    );
    assert.equal(noted().filter((line) => line === 'called').length, 3);
    assert.equal(pids('child').length, 1);
    await text(connector, how(tool, 'well'));
    assert.equal(pids('child').length, 2);
  });

  it('is not started again and again when it dies each time', async () => {
    await failure(run(connector, how(tool, 'die')));
    await failure(run(connector, how(tool, 'die')));
    const { message, effect } = await failure(run(connector, how(write, 'die')));
    assert.match(message, /tried again/);
    assert.equal(effect, 'none');
  });

  it('may answer and end at once', async () => {
    assert.match(await text(connector, how(tool, 'die after')), /^pid/);
  });

  it('may write what is no message, and its answers in any pieces', async () => {
    assert.match(await text(connector, how(tool, 'noise')), /^pid/);
    assert.equal(await text(connector, how(tool, 'pieces')), 'ß→✓');
  });

  it('may say what is nested beyond any reader: nobody is told, and the call goes on', async () => {
    const ears = new Ears({ logLevel: 'debug' });
    assert.match(await text(connector, how(tool, 'abyss'), ears), /^pid/);
    assert.deepEqual(ears.told, []);
  });

  it('may write its log to the wrong place all day, as long as it answers', async () => {
    for (let calls = 0; calls < 3; calls++)
      assert.match(await text(connector, how(tool, 'log')), /^pid/);
    assert.equal(pids('child').length, 1);
  });

  it('is killed for a line without end', async () => {
    const { code, effect } = await failure(run(connector, how(write, 'endless')));
    assert.deepEqual([code, effect], ['CONNECTOR_UNREACHABLE', 'unknown']);
    await until(() => pids('child').every((pid) => !isAlive(pid)));
  });

  it('is told when its caller goes', async () => {
    const gone = new AbortController();
    const work = failure(run(connector, how(write, 'silent', { signal: gone.signal })));
    await until(() => noted().includes('called'));
    gone.abort();
    assert.equal((await work).effect, 'unknown');
    await until(() => noted().includes('notifications/cancelled'));
  });

  it('is ended with all that it started, whatever they ignore', async () => {
    const connection = connectionOf('grandchild', { protocol: 'legacy' });
    await text(connector, callOf(tool, connection));
    await until(() => pids('grandchild').length === 1);
    await connector.close();
    for (const pid of [...pids('child'), ...pids('grandchild')]) await until(() => !isAlive(pid));
  });

  it('that ends at a question it does not know is started again as an older one', async () => {
    const connection = connectionOf('exits at questions');
    assert.match(await text(connector, callOf(tool, connection)), /^pid/);
    assert.equal(pids('child').length, 2);
  });

  it('gets the environment of its connection and nothing of ours', async () => {
    process.env.LEAK_OF_OURS = 'leaked';
    const connection = connectionOf('environment', {
      protocol: 'legacy',
      env: { LANG: 'C.UTF-8' },
      secrets: { API_KEY: 'some-key' },
    });
    const credential: Credential = {
      kind: 'environment',
      leaseId: 'lease_1',
      values: { API_KEY: 'sk-live-1234567' },
    };
    const none = await failure(run(connector, callOf(tool, connection)));
    assert.deepEqual([none.code, none.effect], ['CREDENTIAL_FAILED', 'none']);
    await text(connector, callOf(tool, connection, {}, { credential }));
    const line = noted().find((each) => each.startsWith('{')) ?? '{}';
    const { PATH, SIGNALBOX_CHILD, ...rest } = JSON.parse(line) as Record<string, string>;
    assert.match(String(SIGNALBOX_CHILD), /^child_/);
    assert.deepEqual(rest, {
      API_KEY: 'sk-live-1234567',
      HOME: '/nonexistent',
      LANG: 'C.UTF-8',
    });
    assert.ok(PATH?.includes('/usr/bin'));
    delete process.env.LEAK_OF_OURS;
  });

  it('that cannot be started fails its calls, and nothing else', async () => {
    const connection = childConnection(['/no/such/program']);
    const { code, effect } = await failure(run(connector, callOf(write, connection)));
    assert.deepEqual([code, effect], ['CONNECTOR_UNREACHABLE', 'none']);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
