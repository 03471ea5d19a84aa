import { plain } from '../../surfaces/admin/reveal.ts';
import { count, type Style, table } from '../render.ts';
import type { Left, Taken } from './found.ts';
import type { Answering } from './offer.ts';

/** What would be started or called, and what moves: read before anything happens. */
export function toldBefore(taken: readonly Taken[], left: readonly Left[]): string {
  const lines = taken.flatMap(({ found, connection, value, secrets, notes }) => {
    const how = Array.isArray(value.command)
      ? `starts ${value.command.map((word) => quoted(String(word))).join(' ')} in ${String(value.cwd)}`
      : `calls ${String(value.url)}${value.allowPrivate === true ? ' (a private address)' : ''}`;
    return [
      `${plain(found.name)} → ${connection}: ${plain(how)}`,
      ...secrets.map(({ name, from }) => `  ${plain(from)} becomes the secret \`${name}\``),
      ...notes.map((note) => `  ${plain(note)}`),
    ];
  });
  return [...lines, ...toldLeft(left)].join('\n');
}

export function toldLeft(left: readonly Left[]): string[] {
  return left.flatMap(({ found, why, fix }) => [
    `${plain(found.name)} stays where it is: ${plain(why)}`,
    `  ${plain(fix)}`,
  ]);
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word);
}

/** Every tool of a server, what is proposed for it, and why. */
export function toldTools({ taken, tools, catalogue }: Answering, style: Style): string {
  const rows = tools.map(({ name, proposed, labels, without }) => [
    name,
    without === null ? proposed : 'not served',
    labels.risk,
    labels.authority.map(({ argument }) => argument).join(', '),
    without ?? labels.because.slice(-2).join('; '),
  ]);
  const { name, version } = catalogue.server;
  return `${taken.connection}: ${plain(`${name} ${version}`)}, ${count(tools.length, 'tool')}\n${table(
    ['TOOL', 'CLASS', 'RISK', 'DECIDED BY', 'READ FROM'],
    rows,
    style,
  )}`;
}

export function acceptQuestion({ taken, tools }: Answering): string {
  const served = tools.filter(({ without }) => without === null);
  const of = (effect: string) => served.filter(({ proposed }) => proposed === effect).length;
  return `Take ${count(of('read'), 'tool')} of ${taken.connection} for reads and ${of('write')} for writes? The other ${of('destroy')} stay \`destroy\``;
}
