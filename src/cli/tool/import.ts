import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { withHiddenShown } from '../../boundary/text.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { importOpenapi, type OpenapiProposal, operationsOf } from '../../tools/openapi/import.ts';
import { OpenapiFault } from '../../tools/openapi/references.ts';
import type { Answer, Call, Command } from '../command.ts';
import { writeNew } from '../new-file.ts';
import { count, table } from '../render.ts';
import { documentOf } from './openapi-document.ts';

const NAME = /^[a-z][a-z0-9_-]{0,62}$/;

export const toolImport: Command = {
  name: 'tool import',
  summary: 'propose narrow tools for an API from its OpenAPI 3.x document; changes nothing',
  usage: 'openapi FILE|URL',
  positionals: [2, 2],
  options: {
    operations: {
      type: 'string',
      value: 'IDS',
      summary: 'the operations to make tools of, by id or `METHOD /path` (commas between them)',
    },
    all: { type: 'boolean', summary: 'make tools of all of them' },
    connection: {
      type: 'string',
      value: 'NAME',
      summary: 'name of the connection; `api` unless said',
    },
    server: {
      type: 'string',
      value: 'URL',
      summary: 'where its paths begin, for a document that does not say',
    },
    out: {
      type: 'string',
      value: 'FILE',
      summary: 'write the YAML there; never overwrites a file',
    },
    'allow-private': { type: 'boolean', summary: 'the document may stand at a private address' },
  },
  run: async (call) => {
    const [kind, place = ''] = call.positionals;
    if (kind !== 'openapi')
      throw new SignalboxError(
        'USAGE',
        `expected \`openapi\`, got \`${String(kind).slice(0, 40)}\``,
        {
          help: 'signalbox tool import openapi FILE|URL',
        },
      );
    const document = await documentOf(call, place);
    try {
      return await answered(call, document, place);
    } catch (error) {
      if (!(error instanceof OpenapiFault)) throw error;
      throw new SignalboxError(
        'CONFIG_INVALID',
        `\`${place.slice(0, 200)}\`: ${shown(error.message)}`,
      );
    }
  },
};

async function answered(call: Call, document: Json, place: string): Promise<Answer> {
  const { operations, all, connection = 'api', server, out } = call.options;
  if (typeof operations !== 'string' && all !== true) return offered(call, document);
  if (!NAME.test(String(connection)))
    throw new SignalboxError(
      'USAGE',
      `\`${String(connection)}\` cannot be the name of a connection`,
    );
  const proposal = importOpenapi(document, {
    connection: String(connection),
    base: typeof server === 'string' ? server : /^https?:/i.test(place) ? place : null,
    chosen: typeof operations === 'string' ? operations.split(',').map((one) => one.trim()) : null,
  });
  const yaml = yamlOf(proposal, String(connection));
  if (typeof out === 'string') await writeNew(resolve(call.io.cwd, out), out, yaml);
  const { tools, skipped, notes } = proposal;
  const json = {
    connection: proposal.connection,
    tools,
    skipped,
    notes,
    yaml,
  } as unknown as JsonObject;
  const told = [
    ...skipped.map(({ operation, why }) => `left out: ${shown(operation)}: ${shown(why)}`),
    ...(typeof out === 'string'
      ? [
          `wrote ${count(tools.length, 'tool')} to ${out}: read it, move it into signalbox.yaml, then \`signalbox plan\``,
        ]
      : []),
  ];
  if (typeof out === 'string') return { json, text: told.join('\n') };
  for (const line of told) call.io.err.write(`${line}\n`);
  return { json, text: yaml.trimEnd() };
}

/** What there is to choose from. */
function offered({ style }: Call, document: Json): Answer {
  const all = operationsOf(document);
  return {
    json: {
      operations: all.map(({ id, method, path, effect, recovery }) => ({
        id,
        method: method.toUpperCase(),
        path,
        effect,
        recoveryPath: recovery !== null,
      })),
    },
    text: `${table(
      ['operation', 'method', 'path', 'proposed'],
      all.map(({ id, method, path, effect }) => [id, method.toUpperCase(), path, effect]),
      style,
    )}

choose with \`--operations IDS\`, or take \`--all\``,
  };
}

function yamlOf({ title, connection, tools, notes }: OpenapiProposal, name: string): string {
  const head = [
    `Proposed from the OpenAPI document \`${title}\`. Nothing of it is in force.`,
    'Read every tool, narrow its arguments, then move it into signalbox.yaml and run `signalbox plan`.',
    ...notes,
  ];
  const parts = tools.map(({ name: tool, definition, notes: said }) => {
    const lines = said.map((words) => comment(words, 2)).join('');
    return lines + indented(stringify({ [tool]: definition }, { lineWidth: 110, version: '1.2' }));
  });
  const file = `${head.map((words) => comment(words, 0)).join('')}connections:\n${indented(stringify({ [name]: connection }, { version: '1.2' }))}tools:\n${parts.join('')}`;
  return file.split('\n').map(shown).join('\n');
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}

/** One line, whatever the document wrote. */
function comment(words: string, by: number): string {
  return `${' '.repeat(by)}# ${words.replaceAll(/\s+/g, ' ').trim()}\n`;
}

function shown(text: string): string {
  return withHiddenShown(text);
}
