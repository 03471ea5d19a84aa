import type { Mutation } from './mutations.ts';

/** Controls of the wire to agents and to MCP servers. */
export const OF_MCP: readonly Mutation[] = [
  {
    control: 'a halt waits for what it kills of a child that others share',
    file: 'src/connectors/mcp/peer.ts',
    find: 'const killing = [...this.#killing];',
    replace: 'const killing: Promise<readonly number[]>[] = [];',
    test: 'src/connectors/mcp/halted-child.test.ts',
    slow: true,
  },
  {
    control: 'what a tool runs gives way to what could stop it',
    file: 'src/connectors/mcp/child.ts',
    find: 'giveWay(pid);\n    this.#root',
    replace: 'this.#root',
    test: 'src/connectors/mcp/halted-child.test.ts',
    slow: true,
  },
  {
    control: 'a halt kills the process group of a child in the air',
    file: 'src/connectors/mcp/stdio-call.ts',
    find: 'if (halted) void this.#session.kill();',
    replace: '',
    test: 'src/connectors/mcp/halted-child.test.ts',
    slow: true,
  },
  {
    control: 'a tool that its server changed is not called',
    file: 'src/connectors/mcp/flight.ts',
    find: "    case 'changed':\n      throw",
    replace: "    case 'changed':\n      if (name === '') throw",
    test: 'src/connectors/mcp/hostile-http.test.ts',
  },
  {
    control: 'a session is for the run or secret it was begun with',
    file: 'src/surfaces/mcp/sessions.ts',
    find: 'session.holder !== holderOf(caller) ||',
    replace: '',
    test: 'src/surfaces/mcp/sessions.test.ts',
  },
  {
    control: 'a session that another replica ended is over',
    file: 'src/surfaces/mcp/sessions.ts',
    find: 'if (await this.#store.isTaken(claimOf(session.id)))',
    replace: 'if (session.id === claimOf(session.id))',
    test: 'test/replicas/sessions.test.ts',
  },
  {
    control: 'a request state is good once, on whichever replica',
    file: 'src/surfaces/mcp/answer-call.ts',
    find: 'if (!taken.ok) throw refusedState',
    replace: 'if (false) throw refusedState',
    test: 'src/surfaces/mcp/questions.test.ts',
  },
  {
    control: 'a request state is for its own arguments',
    file: 'src/surfaces/mcp/tool-call.ts',
    find: 'state.argumentsDigest !== argumentsDigest(call.arguments)',
    replace: 'false',
    test: 'src/surfaces/mcp/questions.test.ts',
  },
  {
    control: 'what was killed is waited for until it is gone',
    file: 'src/connectors/kin-among.ts',
    find: 'killed.get(one.pid) === one.started',
    replace: 'false',
    test: 'src/connectors/kin-among.test.ts',
  },
];
