import type { Answer, Command, Option } from './command.ts';
import { EXIT } from './exit.ts';
import type { Style } from './render.ts';

export function generalHelp(commands: readonly Command[], style: Style): Answer {
  const wide = Math.max(...commands.map((command) => usageOf(command).length));
  const lines = commands.map(
    (command) => `  ${usageOf(command).padEnd(wide)}  ${style.dim(command.summary)}`,
  );
  const text = `signalbox: the control plane between AI agents and production

${style.strong('Commands')}
${lines.join('\n')}

\`signalbox help COMMAND\` shows its options. \`--json\` works with every command.

${style.strong('Exit codes')}
${Object.values(EXIT)
  .map(({ code, meaning }) => `  ${code}  ${meaning}`)
  .join('\n')}`;
  return {
    text,
    json: { commands: commands.map(({ name, usage, summary }) => ({ name, usage, summary })) },
  };
}

export function commandHelp(
  command: Command,
  common: { readonly [name: string]: Option },
  style: Style,
): Answer {
  const text = `signalbox ${usageOf(command)}

${command.summary}

${style.strong('Options')}
${optionLines(command.options, style)}${Object.keys(command.options).length === 0 ? '' : '\n'}${optionLines(common, style)}`;
  const { name, usage, summary } = command;
  return { text, json: { name, usage, summary, options: Object.keys(command.options) } };
}

export function usageOf({ name, usage }: Command): string {
  return usage === '' ? name : `${name} ${usage}`;
}

export function optionOf(name: string, { value, short }: Option): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

function optionLines(options: { readonly [name: string]: Option }, style: Style): string {
  const entries = Object.entries(options);
  return entries
    .map(([name, option]) => `  ${optionOf(name, option).padEnd(24)}  ${style.dim(option.summary)}`)
    .join('\n');
}
