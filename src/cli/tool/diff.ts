import { fieldChanges } from '../../config/changes.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { ServerView } from '../../surfaces/admin/servers.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit.ts';

export const toolDiff: Command = {
  name: 'tool diff',
  summary:
    'show what servers say of their tools now beside what was accepted; exit code 1 when calls are refused for it',
  usage: '[NAME]',
  positionals: [0, 1],
  options: {},
  run: async ({ api, positionals: [name] }) => {
    const { servers } = await api.get('/api/servers');
    const views = (Array.isArray(servers) ? servers : []) as unknown as ServerView[];
    const drift = views.flatMap((view) =>
      view.drift
        .filter(({ tool }) => name === undefined || tool === name)
        .map((each) => ({ ...each, view })),
    );
    const tools = drift.map(({ tool, pinned, live, view }) => ({
      tool,
      connection: view.connection,
      kind: live === null ? 'gone' : view.reworded.includes(tool) ? 'reworded' : 'changed',
      fields: live === null ? [] : differences(pinned, live),
    }));
    const waiting = name === undefined ? views.filter(({ unserved }) => unserved.length > 0) : [];
    const lines = [
      ...tools.flatMap(({ tool, kind, fields }) => [
        `${plain(tool)}: ${WORDS[kind]}`,
        ...fields.flatMap(({ field, before, after }) => [
          `  ${plain(field)}`,
          `  - ${shown(before)}`,
          `  + ${shown(after)}`,
        ]),
      ]),
      ...views
        .filter(({ instructionsChanged }) => instructionsChanged)
        .map(
          ({ connection }) => `${plain(connection)}: its instructions changed; no agent reads them`,
        ),
      ...views.flatMap(({ connection, fault }) =>
        fault === null ? [] : [`${plain(connection)}: ${plain(fault.message)}`],
      ),
      ...waiting.map(
        ({ connection, unserved }) =>
          `${plain(connection)} offers what nobody is shown: ${unserved.map((each) => plain(each)).join(', ')}`,
      ),
    ];
    const refused = tools.some(({ kind }) => kind !== 'reworded');
    return {
      json: {
        tools,
        unserved: waiting.map(({ connection, unserved }) => ({ connection, tools: [...unserved] })),
      } as unknown as JsonObject,
      text: lines.length === 0 ? 'every tool is as it was accepted' : lines.join('\n'),
      exit: refused ? EXIT.failed.code : EXIT.ok.code,
    };
  },
};

const WORDS: { readonly [kind: string]: string } = {
  gone: 'no longer offered; calls are refused',
  changed: 'defined otherwise now; calls are refused',
  reworded: 'in other words now; agents read the old ones',
};

const MAX_SHOWN = 2_000;

/** Only what it says itself: members that were pinned as empty are not there. */
function differences(
  pinned: JsonObject,
  live: JsonObject,
): { field: string; before: Json; after: Json }[] {
  const description = live.description ?? '';
  return fieldChanges(pinned, { ...live, description }).map(({ field, before, after }) => ({
    field,
    before,
    after,
  }));
}

function shown(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return plain(
    text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}… (${text.length} characters)` : text,
  );
}
