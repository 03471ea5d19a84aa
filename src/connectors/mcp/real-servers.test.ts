import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { realDoors } from '../../doors.ts';
import { createMcpConnector } from './connector.ts';
import {
  callOf,
  childConnection,
  Ears,
  inspectorWithout,
  members,
  offering,
  run,
  text,
  toolOf,
} from './testing/caller.ts';

const programOf = (name: string): string =>
  fileURLToPath(import.meta.resolve(`@modelcontextprotocol/server-${name}/dist/index.js`));

describe('the servers of the project itself, as children', () => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'signalbox-real-')));
  const connector = createMcpConnector(realDoors());
  const inspector = inspectorWithout();
  after(async () => {
    await connector.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('server-filesystem writes and reads', async () => {
    const connection = childConnection([process.execPath, programOf('filesystem'), directory]);
    const write = await toolOf(connection, 'write_file', { effect: 'write' }, inspector);
    const read = await toolOf(connection, 'read_text_file', {}, inspector);
    const path = join(directory, 'note.txt');
    await run(connector, callOf(write, connection, { path, content: 'kept' }));
    assert.ok(existsSync(path));
    assert.equal(await text(connector, callOf(read, connection, { path })), 'kept');
    const outside = await members(connector, callOf(read, connection, { path: '/etc/hostname' }));
    assert.equal(outside.isError, true);
    assert.ok(write.derivation.some((line) => line.includes('destructiveHint')));
  });

  it('server-everything tells, asks, and reads', async () => {
    const connection = childConnection([process.execPath, programOf('everything')]);
    const long = await toolOf(connection, 'trigger-long-running-operation', {}, inspector);
    const ears = new Ears({ progress: true });
    await run(connector, callOf(long, connection, { duration: 0.2, steps: 2 }), ears);
    assert.deepEqual(
      ears.told.map(({ params }) => params.progress),
      [1, 2],
    );
    const sampling = await toolOf(connection, 'trigger-sampling-request', {}, inspector);
    const asked = new Ears({ capabilities: { sampling: {} } });
    asked.answer = async () => ({
      model: 'none',
      role: 'assistant',
      content: { type: 'text', text: 'sampled' },
    });
    const call = callOf(sampling, connection, { prompt: 'x', maxTokens: 10 });
    assert.match(await text(connector, call, asked), /sampled/);
    const resources = await offering(connection, 'resources');
    const list = await members(connector, callOf(resources, connection, { list: 'resources' }));
    const [first] = list.resources as { uri: string }[];
    assert.match(first?.uri ?? '', /^up-stream\+/);
    const { contents } = await members(
      connector,
      callOf(resources, connection, { uri: first?.uri ?? '' }),
    );
    assert.equal((contents as { uri: string }[])[0]?.uri, first?.uri);
    const prompts = await offering(connection, 'prompts');
    const prompt = await members(connector, callOf(prompts, connection, { name: 'simple-prompt' }));
    assert.ok((prompt.messages as unknown[]).length > 0);
  });

  it('server-memory remembers, in the file it is told', async () => {
    const connection = childConnection([process.execPath, programOf('memory')], {
      env: { MEMORY_FILE_PATH: join(directory, 'memory.jsonl') },
    });
    const create = await toolOf(connection, 'create_entities', { effect: 'write' }, inspector);
    const open = await toolOf(connection, 'read_graph', {}, inspector);
    const entities = [{ name: 'signal', entityType: 'thing', observations: ['is red'] }];
    await run(connector, callOf(create, connection, { entities }));
    assert.match(await text(connector, callOf(open, connection)), /is red/);
  });
});
