/** A halt and a child: everything of it ends, wherever it went, and what cannot be found is known. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Connection, Tool } from '../../domain/bundle.ts';
import type { Connector } from '../../domain/connector.ts';
import { HALT_ABORT } from '../../domain/halt.ts';
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
const NOBODY: ReadonlySet<string> = new Set();

describe('a halt and a server as a child', () => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-halted-'));
  const notes = join(directory, 'notes');
  let connector: Connector;
  let tool: Tool;
  const connectionOf = (way: string): Connection =>
    childConnection([process.execPath, CHILD, way, notes], { protocol: 'legacy' });
  const family = connectionOf('family');
  const pids = (who: string) =>
    readFileSync(notes, 'utf8')
      .split('\n')
      .flatMap((line) => (line.startsWith(`${who} `) ? [Number(line.split(' ')[1])] : []));
  const called = () => readFileSync(notes, 'utf8').includes('called');

  before(async () => {
    writeFileSync(notes, '');
    tool = await toolOf(connectionOf('well'), 'echo', { effect: 'write' });
  });
  beforeEach(() => {
    writeFileSync(notes, '');
    connector = createMcpConnector(realDoors());
  });
  afterEach(() => connector.close());
  after(() => rmSync(directory, { recursive: true, force: true }));

  it('in the air: the child, a deaf grandchild, one in another session and an orphan end at once', async () => {
    const halting = new AbortController();
    const args = { how: 'silent' };
    const flying = failure(run(connector, callOf(tool, family, args, { signal: halting.signal })));
    await until(() => called() && pids('grandchild').length === 3);
    const all = [...pids('child'), ...pids('grandchild')];
    assert.ok(all.every(isAlive));
    assert.ok(
      all.every((pid) => getPriority(pid) > getPriority()),
      'what a tool runs comes before what could stop it',
    );
    halting.abort(HALT_ABORT);
    const cut = connector.cut?.('agent:ann', NOBODY);
    assert.deepEqual(
      [(await flying).code, (await flying).effect],
      ['CONNECTOR_ABORTED', 'unknown'],
    );
    // the halt has brought it down only when nothing of it is left, though other runs share the child
    assert.deepEqual(await cut, []);
    assert.deepEqual(all.filter(isAlive), []);
    assert.ok(!readFileSync(notes, 'utf8').includes('notifications/cancelled'), 'it was asked');
  });

  it('one halt after another is no failure of the server: the next call finds a new child at once', async () => {
    const well = connectionOf('well');
    for (let halts = 1; halts <= 3; halts++) {
      writeFileSync(notes, '');
      const halting = new AbortController();
      const call = callOf(tool, well, { how: 'silent' }, { signal: halting.signal });
      const flying = failure(run(connector, call));
      await until(called);
      halting.abort(HALT_ABORT);
      assert.equal((await flying).code, 'CONNECTOR_ABORTED', `halt ${halts}`);
    }
    await text(connector, callOf(tool, well, {}));
  });

  it('not in the air: a halt on its connection ends it, one on another or on a run does not', async () => {
    await text(connector, callOf(tool, family, {}));
    await until(() => pids('grandchild').length === 3);
    const all = [...pids('child'), ...pids('grandchild')];
    await connector.cut?.('connection:other', NOBODY);
    await connector.cut?.('agent:ann', new Set(['run_1']));
    assert.ok(all.every(isAlive));
    assert.equal(connector.children?.(`connection:${family.name}`, NOBODY), 1);
    assert.deepEqual(await connector.cut?.(`connection:${family.name}`, NOBODY), []);
    assert.deepEqual(all.filter(isAlive), []);
    assert.equal(connector.children?.('all', NOBODY), 0);
    // the next call, after the halt, finds a new one
    await text(connector, callOf(tool, family, {}));
    assert.equal(pids('child').length, 2);
  });

  it('of a run alone: it ends with the halt on its run, at once', async () => {
    const ears = new Ears({ capabilities: { elicitation: {} } });
    for (const runId of ['run_1', 'run_2'])
      await text(connector, callOf(tool, connectionOf('grandchild'), {}, { runId }), ears);
    await until(() => pids('grandchild').length === 2);
    const [first = 0, second = 0] = pids('child');
    assert.deepEqual(await connector.cut?.('run:run_1', new Set(['run_1'])), []);
    assert.deepEqual([isAlive(first), isAlive(second)], [false, true]);
  });

  it('a process that left session, parent and environment behind is not found', async () => {
    await text(connector, callOf(tool, connectionOf('stranger'), {}));
    await until(() => pids('grandchild').length === 1);
    const [stranger = 0] = pids('grandchild');
    await connector.cut?.('all', NOBODY);
    assert.ok(isAlive(stranger), 'it is found now: say so in docs/guide/halt.md');
    process.kill(stranger, 'SIGKILL');
  });
});

/** A zombie has a pid and is dead. */
function isAlive(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return false;
  const text = readFileSync(stat, 'latin1');
  return text[text.lastIndexOf(')') + 2] !== 'Z';
}
