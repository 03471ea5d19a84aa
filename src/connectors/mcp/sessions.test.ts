import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Connection } from '../../domain/bundle.ts';
import { type Change, type Connector, ConnectorFailure } from '../../domain/connector.ts';
import { realDoors } from '../../doors.ts';
import { createMcpConnector } from './connector.ts';
import {
  callOf,
  Ears,
  failure,
  httpConnection,
  offering,
  run,
  text,
  toolOf,
  until,
} from './testing/caller.ts';
import { startSdkServer } from './testing/sdk-server.ts';
import { startV1Server, type V1Site } from './testing/sdk-v1.ts';

describe('sessions of an older server', () => {
  let site: V1Site;
  let connection: Connection;
  let connector: Connector;
  const changes: Change[] = [];
  beforeEach(async () => {
    changes.length = 0;
    site = await startV1Server();
    connection = httpConnection(site.url);
    connector = createMcpConnector(realDoors(), { feed: (change) => changes.push(change) });
  });
  afterEach(async () => {
    await connector.close();
    await site.close();
  });

  it('is found to be older, shares one session, and ends it at the close', async () => {
    const tool = await toolOf(connection, 'echo');
    const before = site.requests.length;
    const sessions = site.sessions.size;
    for (const runId of ['run_1', 'run_2'])
      assert.equal(
        await text(connector, callOf(tool, connection, { text: runId }, { runId })),
        runId,
      );
    assert.equal(site.sessions.size, sessions + 1);
    await connector.close();
    assert.equal(site.requests.slice(before).filter((method) => method === 'DELETE').length, 1);
  });

  it('asks the caller of the very call, in a session of its run', async () => {
    const tool = await toolOf(connection, 'ask');
    const elicitation = { capabilities: { elicitation: { form: {} } } };
    const [one, two] = [new Ears(elicitation), new Ears(elicitation)];
    two.answer = async () => ({ action: 'decline' });
    const said = await Promise.all([
      text(connector, callOf(tool, connection, {}, { runId: 'run_1' }), one),
      text(connector, callOf(tool, connection, {}, { runId: 'run_2' }), two),
    ]);
    assert.deepEqual(said, ['accept', 'decline']);
    assert.deepEqual([one.asked.length, two.asked.length], [1, 1]);
    await connector.release('run_1');
    await until(() => site.requests.includes('DELETE'));
  });

  it('says no for a caller that cannot be asked, or will not answer', async () => {
    const tool = await toolOf(connection, 'ask');
    const mute = await failure(run(connector, callOf(tool, connection)));
    assert.notEqual(mute.reply, undefined);
    const ears = new Ears({ capabilities: { elicitation: {} } });
    ears.answer = async () => {
      throw new ConnectorFailure('CONNECTOR_REFUSED', 'no', 'none');
    };
    const { reply } = await failure(run(connector, callOf(tool, connection), ears));
    assert.match(String(reply?.message), /not answered/);
  });

  it('does not count the time in which its caller is asked', async () => {
    const tool = await toolOf(connection, 'ask', { timeoutMs: 200 });
    const ears = new Ears({ capabilities: { elicitation: {} } });
    ears.answer = async () => {
      await new Promise((over) => setTimeout(over, 450));
      return { action: 'accept' };
    };
    assert.equal(await text(connector, callOf(tool, connection), ears), 'accept');
  });

  it('opens another session when the server has forgotten it', async () => {
    const tool = await toolOf(connection, 'echo', { effect: 'write' });
    await text(connector, callOf(tool, connection, { text: 'a' }));
    site.sessions.clear();
    assert.equal(await text(connector, callOf(tool, connection, { text: 'b' })), 'b');
  });

  it('hands on what its server tells by itself', async () => {
    const tool = await toolOf(connection, 'echo');
    site.sessions.clear();
    await text(connector, callOf(tool, connection, { text: 'a' }));
    const [session] = site.sessions.values();
    assert.ok(session);
    await until(() => site.requests.includes('GET'));
    await session.server.notification({ method: 'notifications/tools/list_changed' });
    await until(() => changes.length > 0);
    assert.deepEqual(changes, [{ connection: 'up_stream', what: 'tools' }]);
    const resources = await offering(connection, 'resources');
    const watch = { uri: 'up-stream+note://one', subscribe: true };
    await run(connector, callOf(resources, connection, watch));
    assert.deepEqual(site.subscribed, ['note://one']);
    await session.server.notification({
      method: 'notifications/resources/updated',
      params: { uri: 'note://one' },
    });
    await until(() => changes.length > 1);
    assert.deepEqual(changes[1], {
      connection: 'up_stream',
      what: 'resource',
      uri: 'up-stream+note://one',
    });
  });
});

describe('what a modern server tells by itself', () => {
  it('is listened to from the first call on, and for each resource that is watched', async () => {
    const site = await startSdkServer(false);
    const changes: Change[] = [];
    const connector = createMcpConnector(realDoors(), { feed: (change) => changes.push(change) });
    try {
      const connection = httpConnection(site.url);
      const tool = await offering(connection, 'resources');
      const listening = () =>
        site.headers.filter((h) => h['mcp-method'] === 'subscriptions/listen');
      await run(connector, callOf(tool, connection, { list: 'resources' }));
      await until(() => listening().length === 1);
      const uri = 'up-stream+note://one';
      await run(connector, callOf(tool, connection, { uri, subscribe: true }));
      assert.equal(listening().length, 2);
      site.handler.notify.resourceUpdated('note://one');
      site.handler.notify.toolsChanged();
      await until(() => changes.length > 1);
      assert.deepEqual(changes, [
        { connection: 'up_stream', what: 'resource', uri },
        { connection: 'up_stream', what: 'tools' },
      ]);
      await run(connector, callOf(tool, connection, { uri, subscribe: false }));
      assert.equal(listening().length, 3);
      site.handler.notify.resourceUpdated('note://one');
      site.handler.notify.resourceUpdated('note://two');
      await new Promise((over) => setTimeout(over, 50));
      assert.equal(changes.length, 2);
    } finally {
      await connector.close();
      await site.close();
    }
  });
});
