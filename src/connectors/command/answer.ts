import type { Redact } from '../../boundary/redact.ts';
import { type Call, ConnectorFailure } from '../../domain/connector.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { ToolResult } from '../../domain/proposal.ts';
import { cleaned } from '../cleaned.ts';
import { partedOr } from '../parted.ts';
import type { Ran } from './running.ts';
import type { CommandTemplate } from './settings.ts';

const MAX_SAID = 300;

/** What the agent gets of a command that is over. Throws ConnectorFailure for one that was no success. */
export function answerOf(
  ran: Ran,
  call: Call,
  template: CommandTemplate,
  redact: Redact,
): ToolResult {
  if (ran.how !== 'exited' || ran.code === null || !template.done.has(ran.code))
    throw failureOf(ran, call, template, redact);
  const { maxResultBytes } = call.tool;
  const text = textOf(ran.stdout);
  if (template.output === 'text') {
    const safe = redact(text, !ran.cut).toWellFormed();
    return { text: safe, cut: ran.cut ? [cutWords(maxResultBytes)] : [] };
  }
  const clean = ran.cut ? undefined : cleaned(text, redact);
  if (clean === undefined)
    return { text: '', cut: ['what it wrote is not shown: it is no JSON of the expected size'] };
  const parts = template.parts === null ? clean.json : partedOr(clean.json, template.parts);
  if (parts === undefined)
    return { text: '', cut: ['what it wrote is not shown: its selection is too much work'] };
  const shown = JSON.stringify(parts);
  if (Buffer.byteLength(shown) > maxResultBytes)
    return {
      text: textOf(Buffer.from(shown).subarray(0, maxResultBytes)),
      cut: [cutWords(maxResultBytes), ...clean.cut],
    };
  return { text: shown, ...(isJsonObject(parts) ? { structured: parts } : {}), cut: clean.cut };
}

function failureOf(
  ran: Ran,
  { tool, connection }: Call,
  template: CommandTemplate,
  redact: Redact,
): ConnectorFailure {
  const { name } = connection;
  const effect = tool.effect === 'read' ? 'none' : 'unknown';
  const left = ran.left.length === 0 ? '' : `; still there: ${ran.left.join(', ')}`;
  switch (ran.how) {
    case 'unstarted':
      return new ConnectorFailure(
        'CONNECTOR_REFUSED',
        `\`${name}\` could not be started (${ran.fault})`,
        'none',
      );
    case 'timeout':
      return new ConnectorFailure(
        'CONNECTOR_TIMEOUT',
        `\`${name}\` did not end in ${tool.timeoutMs} ms and was killed${left}`,
        effect,
      );
    case 'aborted':
      return new ConnectorFailure(
        'CONNECTOR_ABORTED',
        `the call was aborted and its process killed${left}`,
        effect,
      );
    case 'signalled':
      return new ConnectorFailure(
        'CONNECTOR_REFUSED',
        `\`${name}\` was ended by ${ran.fault}`,
        effect,
      );
    case 'exited': {
      const said = redact(ran.words).replaceAll(/\s+/g, ' ').trim().slice(-MAX_SAID).toWellFormed();
      const nothing = template.nothing.has(ran.code ?? -1);
      return new ConnectorFailure(
        'CONNECTOR_REFUSED',
        `\`${name}\` ended with code ${ran.code}${said === '' ? '' : `: ${said}`}`,
        nothing ? 'none' : effect,
      );
    }
  }
}

/** A cap may cut inside a character: what is left of it goes. */
function textOf(bytes: Buffer): string {
  return new TextDecoder().decode(bytes, { stream: true });
}

function cutWords(shown: number): string {
  return `the output was cut after ${shown} bytes`;
}
