import type { Command } from './command.ts';

export const version: Command = {
  name: 'version',
  summary: 'say which Signalbox, Node and SQLite this is',
  usage: '',
  positionals: [0, 0],
  options: {},
  run: async ({ io, parts }) => {
    const { node = 'unknown', sqlite = 'unknown' } = io.versions;
    return {
      json: { signalbox: parts.version, node, sqlite },
      text: `signalbox ${parts.version} (Node ${node}, SQLite ${sqlite})`,
    };
  },
};
